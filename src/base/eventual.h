#pragma once

#include <concepts>
#include <coroutine>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/task.h"

namespace nimbus {

// A value that is there at once, or that a task delivers. What may have to wait, but often does
// not, returns an Eventual: answering at once then costs neither a coroutine frame nor a trip
// through a loop. A function that returns one may itself be a coroutine (then it always costs a
// frame). Destroying it cancels the task. Belongs to one shard, as a Task does.
//
//   Eventual<Result<Bytes>> get(std::string key) {
//     if (const Bytes* found = cache_.find(key)) return *found;
//     return getFromDisk(std::move(key));   // a Task<Result<Bytes>>
//   }
//   CO_TRY(const Bytes bytes, co_await store.get("x"));
template <typename T>
class [[nodiscard]] Eventual {
 public:
  // The promise of a Task, whose handle then owns the frame. (Returning the Task and letting it
  // convert is not the same: the compiler would keep the unconverted one in the frame it owns.)
  struct promise_type : detail::Promise<T> {
    Eventual get_return_object() { return detail::Promise<T>::get_return_object(); }
  };
  // So that a handle made from the base is that of the frame.
  static_assert(sizeof(promise_type) == sizeof(detail::Promise<T>) &&
                alignof(promise_type) == alignof(detail::Promise<T>));

  template <typename U>
    requires(std::convertible_to<U &&, T> && !std::same_as<std::remove_cvref_t<U>, Eventual> &&
             !std::same_as<std::remove_cvref_t<U>, Task<T>>)
  // NOLINTNEXTLINE(google-explicit-constructor)
  Eventual(U&& value) : state_(std::in_place_index<0>, std::forward<U>(value)) {}
  // NOLINTNEXTLINE(google-explicit-constructor)
  Eventual(Task<T> task) : state_(std::in_place_index<1>, std::move(task)) {}

  [[nodiscard]] bool ready() const { return state_.index() == 0; }

  // The value of one that is ready.
  [[nodiscard]] T take() { return std::get<0>(std::move(state_)); }
  // The same where it lies.
  [[nodiscard]] T& value() [[clang::lifetimebound]] { return std::get<0>(state_); }

  // As a task, for owners that want one.
  [[nodiscard]] Task<T> intoTask() && {
    if (ready()) return deliver(take());
    return std::get<1>(std::move(state_));
  }

  auto operator co_await() && noexcept {
    struct Awaiter {
      Eventual& eventual;
      [[nodiscard]] bool await_ready() const noexcept { return eventual.ready(); }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) const noexcept {
        return std::move(std::get<1>(eventual.state_)).operator co_await().await_suspend(awaiting);
      }
      T await_resume() const {
        if (eventual.ready()) return eventual.take();
        return std::move(std::get<1>(eventual.state_)).operator co_await().await_resume();
      }
    };
    return Awaiter{*this};
  }

 private:
  static Task<T> deliver(T value) { co_return std::move(value); }

  std::variant<T, Task<T>> state_;
};

}  // namespace nimbus
