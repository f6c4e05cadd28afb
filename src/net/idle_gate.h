#pragma once

#include <algorithm>
#include <optional>

#include "base/clock.h"

namespace nimbus::net {

// Decides when a loop takes up work that is to wait until it has nothing else to do: once nothing
// has happened for kQuiet, because the moment between two batches of requests is no idleness, and
// at the latest kPatience after that work came, so that a quarter of a millisecond each time is
// less than a tenth of a busy loop's.
//
// Knows the time by what it is told.
class IdleGate {
 public:
  static constexpr Duration kQuiet = std::chrono::microseconds(100);
  static constexpr Duration kPatience = std::chrono::milliseconds(4);

  // The first work that waits has come; what came before it was let through.
  void workCame(TimePoint now) { due_by_ = now + kPatience; }
  // The loop has something else to do, or had.
  void busy() { quiet_since_.reset(); }
  // The loop has nothing else to do.
  void quiet(TimePoint now) {
    if (!quiet_since_) quiet_since_ = now;
  }
  // How much longer the work has to wait if nothing happens meanwhile; zero: not at all.
  [[nodiscard]] Duration left(TimePoint now) const {
    const TimePoint due = std::min(quiet_since_.value_or(now) + kQuiet, due_by_);
    return std::max(due - now, Duration::zero());
  }

 private:
  std::optional<TimePoint> quiet_since_;
  TimePoint due_by_{};
};

}  // namespace nimbus::net
