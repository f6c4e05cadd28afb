#pragma once

#include <coroutine>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "net/shard.h"

namespace nimbus::http {

// `duration` from now; zero or less, or more than the clock can count, means without end.
[[nodiscard]] inline TimePoint deadlineAfter(const net::Shard& shard, Duration duration) {
  const TimePoint now = shard.now();
  const bool ends = duration > Duration::zero() && duration < TimePoint::max() - now;
  return ends ? now + duration : TimePoint::max();
}

// co_await DeadlineAwaiter(shard, when, task): what the task gives, or nothing if it has not
// completed by then; the task is destroyed, which cancels it. A deadline that is given by its
// address may be put off meanwhile.
template <typename T>
class DeadlineAwaiter {
 public:
  DeadlineAwaiter(net::Shard& shard, TimePoint when, Task<T> task)
      : shard_(shard),
        when_(when),
        task_(std::move(task)),
        inner_(std::move(task_).operator co_await()) {}
  DeadlineAwaiter(net::Shard& shard, const TimePoint* latest, Task<T> task)
      : DeadlineAwaiter(shard, *latest, std::move(task)) {
    latest_ = latest;
  }
  DeadlineAwaiter(const DeadlineAwaiter&) = delete;
  DeadlineAwaiter& operator=(const DeadlineAwaiter&) = delete;

  [[nodiscard]] bool await_ready() const { return false; }

  std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiting) {
    waiting_ = waiting;
    if (when_ != TimePoint::max()) {
      timer_.emplace(shard_, [this] {
        if (latest_ != nullptr && *latest_ > shard_.now()) return timer_->armAt(*latest_);
        timed_out_ = true;
        waiting_.resume();
      });
      timer_->armAt(when_);
    }
    return inner_.await_suspend(waiting);
  }

  std::optional<T> await_resume() {
    if (timed_out_) return std::nullopt;
    timer_.reset();
    return inner_.await_resume();
  }

 private:
  net::Shard& shard_;
  TimePoint when_;
  const TimePoint* latest_ = nullptr;
  Task<T> task_;
  decltype(std::declval<Task<T>>().operator co_await()) inner_;
  std::coroutine_handle<> waiting_;
  std::optional<net::Timer> timer_;
  bool timed_out_ = false;
};

// The task's result, or kDeadlineExceeded with `message`.
template <typename T>
Task<Result<T>> within(net::Shard& shard, TimePoint when, Task<Result<T>> task,
                       std::string message) {
  auto result = co_await DeadlineAwaiter<Result<T>>(shard, when, std::move(task));
  if (!result) co_return fail(ErrorCode::kDeadlineExceeded, std::move(message));
  co_return *std::move(result);
}

}  // namespace nimbus::http
