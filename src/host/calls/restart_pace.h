#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/clock.h"

namespace nimbus::host {

// How a service that has failed is started again.
struct RestartPolicy {
  std::optional<std::uint64_t> most = {};  // in a row; absent: without end
  Duration first_pause = std::chrono::milliseconds(100);
  Duration longest_pause = std::chrono::seconds(30);
  Duration healthy = std::chrono::seconds(60);  // after such a run, failures count anew
};

// When a service that has failed is started again: after a pause that doubles from failure to
// failure, until it has run well for some time or has failed too often in a row. Knows the time by
// what it is told.
class RestartPace {
 public:
  explicit RestartPace(RestartPolicy policy) : policy_(policy) {}

  // What made it fail: itself, or that there was no room for it, which is not held against it.
  enum class Cause { kItself, kNoRoom };
  // It failed after it had run for so long. The pause before the next start; none: it is given up.
  [[nodiscard]] std::optional<Duration> afterFailure(Duration ran, Cause cause) {
    if (ran >= policy_.healthy) {
      pause_ = policy_.first_pause;
      failures_ = 0;
    }
    if (cause == Cause::kItself && policy_.most && failures_++ >= *policy_.most)
      return std::nullopt;
    const Duration pause = pause_;
    pause_ = std::min(pause_ * 2, policy_.longest_pause);
    return pause;
  }

 private:
  const RestartPolicy policy_;
  Duration pause_ = std::min(policy_.first_pause, policy_.longest_pause);
  std::uint64_t failures_ = 0;  // in a row
};

}  // namespace nimbus::host
