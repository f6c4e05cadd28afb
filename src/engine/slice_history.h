#pragma once

#include <atomic>

#include "base/clock.h"
#include "rust/engine.h"

namespace nimbus::engine {

// Whether guests of one component compute long, judged by those that did lately: then what the next
// one begins with is a short slice, too, so that not each new call of it keeps its shard for a
// whole one. Any thread; knows the time by what it is told.
class SliceHistory {
 public:
  // Beyond it a guest computes long. Much more than a slice, because one that ends soon after it
  // should not be put behind others.
  static constexpr Duration kLong = std::chrono::milliseconds(50);
  static constexpr Duration kRemembered = std::chrono::seconds(10);
  // More than one, as the first may come at once.
  static constexpr std::uint32_t kShortTicks = 2;

  // A poll of a guest of this component follows on this thread.
  void beforePoll(TimePoint now) const {
    if (computesLong(now)) nimbus_next_slice(kShortTicks);
  }
  // A guest was cut short. `used`: CPU time of its call so far.
  void cutShort(Duration used, TimePoint now) {
    if (used < kLong) return;
    const Rep until = (now + kRemembered).time_since_epoch().count();
    until_.store(until, std::memory_order_relaxed);
    any_until_.store(until, std::memory_order_relaxed);
  }

  [[nodiscard]] bool computesLong(TimePoint now) const {
    return now.time_since_epoch().count() < until_.load(std::memory_order_relaxed);
  }
  // Of any component of this process, as one clock ticks for all.
  [[nodiscard]] static bool anyComputesLong(TimePoint now) {
    return now.time_since_epoch().count() < any_until_.load(std::memory_order_relaxed);
  }

 private:
  using Rep = Duration::rep;

  std::atomic<Rep> until_{0};
  static inline std::atomic<Rep> any_until_{0};
};

}  // namespace nimbus::engine
