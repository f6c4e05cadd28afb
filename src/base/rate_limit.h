#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"
#include "base/log.h"

namespace nimbus {

// At most so many events a second, with a burst of the same size; counts what it holds back. Any
// thread.
class RateLimit {
 public:
  RateLimit(const Clock& clock, std::uint32_t per_second)
      : clock_(clock), per_second_(per_second) {}
  // True if the event may pass.
  [[nodiscard]] bool pass();
  // Events held back since the last call.
  [[nodiscard]] std::uint64_t takeSuppressed() { return suppressed_.exchange(0); }

 private:
  const Clock& clock_;
  const std::uint32_t per_second_;
  std::atomic<std::int64_t> second_{-1};
  std::atomic<std::uint32_t> passed_{0};
  std::atomic<std::uint64_t> suppressed_{0};
};

// Passes on so many records a second, for what peers and guests can cause at will. Any thread.
class LimitedLogger final : public Logger {
 public:
  LimitedLogger(Logger& log, std::uint32_t per_second) : log_(log), limit_(clock_, per_second) {}

  [[nodiscard]] bool enabled(LogLevel level) const override { return log_.enabled(level); }
  void write(LogLevel level, std::string_view message,
             std::initializer_list<LogField> fields) override;

 private:
  Logger& log_;
  const SystemClock clock_{};
  RateLimit limit_;
};

}  // namespace nimbus
