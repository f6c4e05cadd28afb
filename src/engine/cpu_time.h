#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <ctime>

#include "base/clock.h"

namespace nimbus::engine {

// A clock on the wall for spans of some hundred microseconds. Where the system takes its time from
// the processor's counter (x86-64), it reads that itself: this costs less than half, and does not
// make the processor finish first what it has begun. Elsewhere it asks the system.
//
// How fast the counter goes is learnt, and checked, by comparing it with the system's clock
// whenever align() is called: only readings between two calls of it belong together. One per
// thread.
class SpanClock {
 public:
  [[nodiscard]] Duration now() const { return ns_per_tick_ == 0 ? systemNow() : timeAt(ticks()); }
  void align();

 private:
  struct Reading {
    Duration time{};
    std::uint64_t ticks = 0;
  };

  [[nodiscard]] static Duration systemNow() {
    return std::chrono::steady_clock::now().time_since_epoch();
  }
  [[nodiscard]] static std::uint64_t ticks() {
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    return 0;
#endif
  }
  [[nodiscard]] static Reading read();
  [[nodiscard]] Duration timeAt(std::uint64_t ticks) const {
    const auto since = static_cast<std::int64_t>(ticks - anchor_.ticks);
    return anchor_.time +
           Duration(static_cast<std::int64_t>(static_cast<double>(since) * ns_per_tick_));
  }
  [[nodiscard]] bool agreesWith(const Reading& reading) const;

  Reading anchor_;  // of the last align()
  Reading learning_from_;
  double ns_per_tick_ = 0;  // 0: not known
};

// The clocks of the calling thread: the one on the wall costs a few instructions, the one that
// stands still while others use the core a system call.
class ThreadClocks {
 public:
  [[nodiscard]] Duration wall() const { return wall_.now(); }
  [[nodiscard]] Duration cpu() {
    wall_.align();
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  }

 private:
  SpanClock wall_;
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
    began_ = clocks_.wall();
    const Duration age = began_ - marked_at_;
    if (age >= Duration::zero() && age <= kMaxMarkAge) return;
    mark();
    began_ = marked_at_;
  }

  [[nodiscard]] TimePoint began() const { return TimePoint(began_); }

  [[nodiscard]] Duration end() {
    const Duration wall = clocks_.wall() - began_;
    if (wall < kTrustedWall) return wall;
    const Duration before = marked_cpu_;
    mark();
    return std::min(wall, marked_cpu_ - before);
  }

 private:
  void mark() {
    marked_cpu_ = clocks_.cpu();
    marked_at_ = clocks_.wall();
  }

  Clocks clocks_;
  Duration began_{};
  Duration marked_at_ = Duration::min() / 2;  // long ago, and far from overflow
  Duration marked_cpu_{};
};

}  // namespace nimbus::engine
