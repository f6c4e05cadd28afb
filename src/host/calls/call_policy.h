#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"

namespace nimbus::host {

// How calls of one component are given instances, and what they may use. Counts are per host.
struct CallPolicy {
  std::uint32_t pool_size = 0;                       // 0: a fresh instance for every call
  std::uint64_t max_invocations = 0;                 // of one warm instance; 0: no limit
  std::uint32_t max_concurrency = 1;                 // calls at once on one warm instance (P3)
  Duration idle_timeout = std::chrono::seconds(60);  // of a warm instance
  Duration timeout = std::chrono::seconds(600);      // wall time of one call
  Duration cpu_limit = std::chrono::seconds(10);     // CPU time of one call
  // After a time-out on a warm instance with other calls: how long those may go on. How long a call
  // on one may whose client is gone.
  Duration collateral_grace = std::chrono::seconds(5);
  std::uint32_t max_instances = 1024;  // of this component at once
  std::uint32_t max_queue = 1024;      // calls that wait for an instance
  Duration queue_timeout = std::chrono::seconds(10);
  std::uint64_t window_bytes = 64 * 1024;         // content in flight each way
  std::uint64_t max_memory_bytes = 512ULL << 20;  // linear memory of one instance
  std::uint64_t max_table_elements = 100'000;     // of one instance
  std::uint32_t max_sockets = 1024;               // of this component's instances together
  std::uint32_t max_files = 4096;                 // likewise: that they have open

  // Of a call that begins now; none if its time is not limited.
  [[nodiscard]] std::optional<TimePoint> deadline(TimePoint now) const {
    if (timeout == Duration::zero()) return std::nullopt;
    return now + timeout;
  }
};

}  // namespace nimbus::host
