#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace nimbus::http {

// Whether a peer takes what waits for it: since when it has not taken enough of it. Who takes a
// byte now and then, to keep what makes the content busy, counts as one who takes nothing.
class TakePace {
 public:
  TakePace() = default;  // a byte is enough
  // As many as that rate makes in each such time, but at least one.
  TakePace(std::uint32_t bytes_per_second, Duration time) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
    least_bytes_ =
        std::max<std::uint64_t>(1, static_cast<std::uint64_t>(ms) * bytes_per_second / 1000);
  }

  // Something waits from now on.
  void begin(TimePoint now) {
    since_ = now;
    taken_bytes_ = 0;
  }
  // `parts`: of so many that wait together each has to be taken enough of.
  void took(std::size_t byte_count, TimePoint now, std::size_t parts = 1) {
    taken_bytes_ += byte_count;
    if (taken_bytes_ >= least_bytes_ * parts) begin(now);
  }
  [[nodiscard]] TimePoint since() const { return since_; }

 private:
  std::uint64_t least_bytes_ = 1;
  std::uint64_t taken_bytes_ = 0;
  TimePoint since_{};
};

}  // namespace nimbus::http
