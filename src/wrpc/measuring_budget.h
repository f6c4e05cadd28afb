#pragma once

#include <algorithm>
#include <cstddef>

#include "base/result.h"

namespace nimbus::wrpc {

// How often values that arrive in pieces are looked at whether they are complete, which starts anew
// each time: after every piece while that is cheap, so that a call starts early; then only where
// there is more reason. That, too, has an end: who lets each byte be looked at on its own must not
// cost more and more for each.
class MeasuringBudget {
 public:
  static constexpr std::size_t kFewTimes = 32;
  static constexpr std::size_t kManyTimes = 128;  // as often as 16 MiB come in pieces of 64 KiB

  // `max_bytes` may come, which may be looked at so often.
  explicit MeasuringBudget(std::size_t max_bytes, std::size_t times = kFewTimes)
      : most_(times * max_bytes + kFree) {}

  // Whether to measure so many bytes only because there are more than before. Leaves over what is
  // needed for a last look.
  [[nodiscard]] bool isEager(std::size_t bytes) const {
    return measured_bytes_ <= kEager * bytes + kEagerFree;
  }
  // Before each measuring. kResourceExhausted: no more.
  [[nodiscard]] Result<void> spend(std::size_t bytes) {
    measured_bytes_ += bytes;
    if (measured_bytes_ <= std::min(most_, kMostNow * bytes + kFree)) return {};
    return fail(ErrorCode::kResourceExhausted, "the values come in too many small pieces");
  }

 private:
  // Times the bytes that are there, and so many more.
  static constexpr std::size_t kEager = 16;
  static constexpr std::size_t kEagerFree = std::size_t{256} << 10;
  static constexpr std::size_t kMostNow = kManyTimes;
  static constexpr std::size_t kFree = std::size_t{4} << 20;  // some thousand bytes, one by one

  std::size_t most_;
  std::size_t measured_bytes_ = 0;
};

}  // namespace nimbus::wrpc
