#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/manifest/manifest.h"
#include "host/workload/runtime.h"

namespace nimbus::host {

// Who decides about a workload. The other one is refused, so that a folder and an API client do
// not undo each other's changes.
enum class WorkloadOwner { kFolder, kApi };
[[nodiscard]] std::string_view ownerName(WorkloadOwner owner);

enum class WorkloadState {
  kStarting,  // the first generation is being prepared
  kRunning,   // a generation serves, if only its service
  kStopping,  // being removed
  kError,     // none serves, or one that is but a service, which has failed; `reason` says why
};
[[nodiscard]] std::string_view stateName(WorkloadState state);

// One workload at one moment.
struct WorkloadStatus {
  std::shared_ptr<const WorkloadSpec> spec;  // of `generation`
  WorkloadOwner owner = WorkloadOwner::kApi;
  std::string source;  // file name of a manifest of the folder; else empty
  WorkloadState state = WorkloadState::kStarting;
  std::uint64_t generation = 0;           // of the newest manifest that was accepted
  std::uint64_t observed_generation = 0;  // the newest one that serves or has failed
  std::uint64_t serving_generation = 0;   // 0: none
  std::string reason;                     // what is wrong; empty if nothing is
  std::chrono::system_clock::time_point changed_at;
  // Set: an image of `generation` could not be had, and that will be tried again then.
  std::optional<std::chrono::system_clock::time_point> retry_at;
  // Of the serving generation; only if asked for.
  std::vector<ComponentStatus> components;
  std::optional<ServiceStatus> service;  // none: it has none
};

}  // namespace nimbus::host
