#pragma once

#include <sys/resource.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "base/result.h"

// What both ends of a measurement need, whatever the transport.
namespace nimbus::bench {

using SteadyClock = std::chrono::steady_clock;

[[noreturn]] inline void die(const Error& error) {
  std::fprintf(stderr, "%s: %s\n", program_invocation_short_name, error.describe().c_str());
  std::exit(1);
}

// What this process has used.
inline double cpuMicroseconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

}  // namespace nimbus::bench
