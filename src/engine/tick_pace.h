#pragma once

#include <cstdint>

#include "base/clock.h"

namespace nimbus::engine {

// How often guests that compute are looked at. A time slice is at least kSlice; one that was cut
// short goes on in slices of one tick, as each keeps the other guests of its shard waiting. So the
// clock ticks once a slice as long as nobody is cut short, and much faster while somebody is. Knows
// the time by what it is told.
class TickPace {
 public:
  static constexpr Duration kSlice = std::chrono::milliseconds(5);
  static constexpr Duration kHurried = std::chrono::microseconds(250);
  static constexpr Duration kCalmAfter = std::chrono::milliseconds(250);

  // The time until the next tick. `cut_short`: a guest was, since the tick before.
  [[nodiscard]] Duration next(bool cut_short, TimePoint now) {
    if (cut_short) hurried_until_ = now + kCalmAfter;
    interval_ = now < hurried_until_ ? kHurried : kSlice;
    return interval_;
  }
  // The tick within a poll that ends the slice: its first may come right after it has begun.
  [[nodiscard]] std::uint32_t sliceTicks() const {
    return static_cast<std::uint32_t>(kSlice / interval_) + 1;
  }

 private:
  Duration interval_ = kSlice;
  TimePoint hurried_until_{};
};

}  // namespace nimbus::engine
