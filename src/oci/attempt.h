#pragma once

#include <algorithm>
#include <expected>
#include <functional>
#include <utility>

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"

namespace nimbus::oci {

// Why an attempt failed, and whether another one could do better.
struct Failure {
  enum class Retry { kUseless, kLater };
  Error error;
  Retry retry = Retry::kUseless;
  Duration not_before{};  // the registry asks to wait so long
};

template <typename T>
using Attempt = std::expected<T, Failure>;

[[nodiscard]] inline std::unexpected<Failure> useless(Error error) {
  return std::unexpected(Failure{std::move(error), Failure::Retry::kUseless, {}});
}
[[nodiscard]] inline std::unexpected<Failure> retryLater(Error error, Duration not_before = {}) {
  return std::unexpected(Failure{std::move(error), Failure::Retry::kLater, not_before});
}

struct RetryPolicy {
  unsigned attempts = 5;
  Duration first_pause = std::chrono::milliseconds(250);  // doubles each time
  Duration longest_pause = std::chrono::seconds(20);
  // Waits; tests give another one.
  std::function<Task<void>(Duration)> pause;
};

// Makes attempts until one succeeds, is useless to repeat, or was the last.
template <typename T>
Task<Result<T>> retrying(RetryPolicy policy, std::function<Task<Attempt<T>>()> attempt) {
  Duration pause = policy.first_pause;
  for (unsigned number = 1;; ++number) {
    Attempt<T> outcome = co_await attempt();
    if (outcome) {
      if constexpr (std::is_void_v<T>)
        co_return Result<T>();
      else
        co_return *std::move(outcome);
    }
    Failure failure = std::move(outcome).error();
    const bool last = number >= policy.attempts || failure.not_before > policy.longest_pause;
    if (failure.retry == Failure::Retry::kUseless || last)
      co_return std::unexpected(std::move(failure.error));
    co_await policy.pause(std::max(pause, failure.not_before));
    pause = std::min(pause * 2, policy.longest_pause);
  }
}

}  // namespace nimbus::oci
