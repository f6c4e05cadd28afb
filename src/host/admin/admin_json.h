#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "host/control/events.h"
#include "host/control/folder_source.h"
#include "host/control/readiness.h"
#include "host/control/workload_manager.h"
#include "host/workload/workload_status.h"

// The JSON of the administration API; docs/formats/admin-api.md describes it.
namespace nimbus::host {

enum class StatusDetail { kSummary, kWhole };  // whole: with components and manifest
[[nodiscard]] std::string statusJson(const WorkloadStatus& status, StatusDetail detail);

[[nodiscard]] std::string eventJson(const HostEvent& event);

struct HostFacts {
  std::string_view version;
  std::string_view epoch;  // of the event log
  Readiness::Phase phase = Readiness::Phase::kReady;
  std::chrono::seconds uptime{};
  bool durable = false;
  WorkloadManager::Counts counts;
  std::vector<FolderProblem> problems;
};
[[nodiscard]] std::string hostJson(const HostFacts& facts);

[[nodiscard]] std::string errorJson(ErrorCode code, std::string_view message);

// "2025-01-31T23:59:59.123Z"
[[nodiscard]] std::string formatTime(std::chrono::system_clock::time_point time);

}  // namespace nimbus::host
