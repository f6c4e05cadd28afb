#pragma once

#include <algorithm>
#include <chrono>
#include <ctime>

#include "base/clock.h"

namespace nimbus::engine {

// The clocks of the calling thread: the one on the wall costs a few instructions, the one that
// stands still while others use the core a system call.
struct ThreadClocks {
  [[nodiscard]] static Duration wall() {
    return std::chrono::steady_clock::now().time_since_epoch();
  }
  [[nodiscard]] static Duration cpu() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  }
};

// Tells how much CPU time its thread used between begin() and end(). What took less than
// kTrustedWall on the wall is told by that alone. For what took longer the thread's clock is asked,
// and compared with what it said at most kMaxMarkAge before begin(). So the answer is never too
// little, and too much only if the core was taken away meanwhile: by kMaxMarkAge at most.
//
// One per thread and purpose.
template <typename Clocks = ThreadClocks>
class CpuMeter {
 public:
  static constexpr Duration kTrustedWall = std::chrono::microseconds(100);
  static constexpr Duration kMaxMarkAge = std::chrono::microseconds(200);

  void begin() {
    began_ = Clocks::wall();
    if (began_ - marked_at_ > kMaxMarkAge) mark(began_);
  }

  [[nodiscard]] TimePoint began() const { return TimePoint(began_); }

  [[nodiscard]] Duration end() {
    const Duration now = Clocks::wall();
    const Duration wall = now - began_;
    if (wall < kTrustedWall) return wall;
    const Duration before = marked_cpu_;
    mark(now);
    return std::min(wall, marked_cpu_ - before);
  }

 private:
  void mark(Duration now) {
    marked_at_ = now;
    marked_cpu_ = Clocks::cpu();
  }

  Duration began_{};
  Duration marked_at_ = Duration::min() / 2;  // long ago, and far from overflow
  Duration marked_cpu_{};
};

}  // namespace nimbus::engine
