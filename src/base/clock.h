#pragma once

#include <chrono>

namespace nimbus {

using Duration = std::chrono::nanoseconds;
using TimePoint = std::chrono::steady_clock::time_point;

// The time outside the process. Tests pass a FakeClock.
class Clock {
 public:
  virtual ~Clock() = default;
  // Monotonic; for deadlines and durations.
  [[nodiscard]] virtual TimePoint now() const = 0;
  // Wall time; for logs and file stamps only.
  [[nodiscard]] virtual std::chrono::system_clock::time_point wallNow() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override { return std::chrono::steady_clock::now(); }
  [[nodiscard]] std::chrono::system_clock::time_point wallNow() const override {
    return std::chrono::system_clock::now();
  }
};

// A clock that a test moves by hand.
class FakeClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override { return now_; }
  [[nodiscard]] std::chrono::system_clock::time_point wallNow() const override { return wall_; }
  void advance(Duration by) {
    now_ += by;
    wall_ += std::chrono::duration_cast<std::chrono::system_clock::duration>(by);
  }

 private:
  TimePoint now_{};
  std::chrono::system_clock::time_point wall_{};
};

}  // namespace nimbus
