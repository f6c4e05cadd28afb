#pragma once

#include <ctime>

#include "base/clock.h"

namespace nimbus::engine {

// CPU time of the calling thread.
[[nodiscard]] inline Duration threadCpuTime() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace nimbus::engine
