#pragma once

#include <algorithm>

#include "base/clock.h"

namespace nimbus::http {

// Allows `per_second` events on average and as many at once.
class EventRate {
 public:
  EventRate(std::size_t per_second, TimePoint now)
      : per_second_(static_cast<double>(per_second)), tokens_(per_second_), refilled_(now) {}

  // False when the rate is exceeded.
  [[nodiscard]] bool admit(TimePoint now) {
    const std::chrono::duration<double> passed = now - refilled_;
    refilled_ = now;
    tokens_ = std::min(per_second_, tokens_ + passed.count() * per_second_);
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }

 private:
  double per_second_;
  double tokens_;
  TimePoint refilled_;
};

}  // namespace nimbus::http
