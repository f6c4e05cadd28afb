#include "engine/cpu_time.h"

#include <fstream>
#include <string>

namespace nimbus::engine {
namespace {

constexpr Duration kLearningTime = std::chrono::milliseconds(10);
// Two clocks that are read one after the other differ by so much at most, unless the thread lost
// its core in between.
constexpr std::uint64_t kMaxReadingTicks = 10'000;
constexpr int kMaxReadings = 4;
// What the two may differ by at the end of a span: as a time, and as a part of the span. The system
// adjusts its clock by a two-thousandth at most.
constexpr Duration kMaxError = std::chrono::microseconds(3);
constexpr int kMaxErrorPart = 1000;

// The system does not use a counter that stops, or differs from core to core.
bool systemTrustsCounter() {
  std::ifstream source("/sys/devices/system/clocksource/clocksource0/current_clocksource");
  std::string name;
  return std::getline(source, name) && name == "tsc";
}

}  // namespace

SpanClock::Reading SpanClock::read() {
  Reading reading;
  for (int i = 0; i < kMaxReadings; ++i) {
    reading.ticks = ticks();
    reading.time = systemNow();
    if (ticks() - reading.ticks <= kMaxReadingTicks) break;
  }
  return reading;
}

bool SpanClock::agreesWith(const Reading& reading) const {
  const Duration error = timeAt(reading.ticks) - reading.time;
  return std::chrono::abs(error) <= kMaxError + (reading.time - anchor_.time) / kMaxErrorPart;
}

void SpanClock::align() {
  static const bool kTrusted = systemTrustsCounter();
  if (!kTrusted) return;
  const Reading reading = read();
  // A machine that was moved to another host may have another pace.
  if (ns_per_tick_ != 0 && !agreesWith(reading)) {
    ns_per_tick_ = 0;
    learning_from_ = Reading();
  }
  anchor_ = reading;
  if (ns_per_tick_ != 0) return;
  if (learning_from_.ticks == 0) learning_from_ = reading;
  const Duration elapsed = reading.time - learning_from_.time;
  if (elapsed < kLearningTime) return;
  ns_per_tick_ = static_cast<double>(elapsed.count()) /
                 static_cast<double>(reading.ticks - learning_from_.ticks);
}

}  // namespace nimbus::engine
