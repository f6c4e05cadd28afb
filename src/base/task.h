#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

namespace nimbus {

template <typename T>
class Task;

namespace detail {

// Resumes whoever awaits the task, by symmetric transfer, so that chains do not grow the stack.
struct FinalAwaiter {
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <typename Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> finished) const noexcept {
    return finished.promise().continuation_;
  }
  void await_resume() const noexcept {}
};

struct PromiseBase {
  std::coroutine_handle<> continuation_ = std::noop_coroutine();

  [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
  // Must suspend always: with coro_await_elidable a frame may lie inside its caller's, and only
  // the owner's destroy() knows that it is not to be freed.
  [[nodiscard]] FinalAwaiter final_suspend() const noexcept { return {}; }
  // Expected failures are values (Result); an exception that reaches a coroutine's edge is a bug.
  [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
};

template <typename T>
struct Promise : PromiseBase {
  std::optional<T> value_;

  Task<T> get_return_object();
  template <typename U>
  void return_value(U&& value) {
    value_.emplace(std::forward<U>(value));
  }
  T take() { return std::move(*value_); }
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object();
  void return_void() const noexcept {}
  void take() const noexcept {}
};

}  // namespace detail

// A lazy coroutine: it runs when awaited, inline, without an executor, so one that completes at
// once costs no trip through a loop. Destroying a Task destroys its frame, which cancels whatever
// it waits for: every awaiter in Nimbus unregisters itself in its destructor. A Task belongs to one
// shard and is resumed only there. Coroutine parameters are taken by value. A Task must not be
// destroyed from within its own body, nor awaited twice.
//
//   Task<Result<Bytes>> readAll(Stream& stream);
//   auto bytes = co_await readAll(stream);
template <typename T = void>
class [[nodiscard]] [[clang::coro_await_elidable]] Task {
 public:
  using promise_type = detail::Promise<T>;

  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    // The old frame goes last: destroying it may reach this object again.
    const auto incoming = std::exchange(other.handle_, nullptr);
    const Task old(std::exchange(handle_, incoming));
    return *this;
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() { reset(); }

  [[nodiscard]] bool done() const { return handle_ && handle_.done(); }

  // Runs the task until its first suspension; true if it completed. For owners that are not
  // coroutines (tests, TaskSet); a started task must not be awaited.
  bool start() {
    handle_.resume();
    return handle_.done();
  }

  // The value of a completed task that was started, not awaited.
  T take() { return handle_.promise().take(); }

  auto operator co_await() && noexcept {
    struct Awaiter {
      std::coroutine_handle<promise_type> task;
      [[nodiscard]] bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) const noexcept {
        task.promise().continuation_ = awaiting;
        return task;
      }
      T await_resume() const { return task.promise().take(); }
    };
    return Awaiter{handle_};
  }

 private:
  friend promise_type;
  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  void reset() {
    if (handle_) std::exchange(handle_, nullptr).destroy();
  }

  std::coroutine_handle<promise_type> handle_;
};

namespace detail {

template <typename T>
Task<T> Promise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<Promise>::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<Promise>::from_promise(*this));
}

}  // namespace detail
}  // namespace nimbus
