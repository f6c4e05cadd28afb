#pragma once

#include <string>
#include <string_view>

#include "base/log.h"
#include "base/result.h"
#include "host/manifest/manifest.h"
#include "host/store/journal.h"

// The files beside the journal of a workload store; internal to workload_store*.cc. All of it
// blocks.
namespace nimbus::host {

// A manifest and what encloses it.
inline constexpr std::size_t kMaxStoreFileBytes = kMaxStoredManifestBytes + 64 * 1024;

// Takes the workloads over that earlier versions kept in files of their own, unless the journal has
// something newer, and deletes these files and those that a dying host left half written.
[[nodiscard]] Result<void> adoptWorkloadFiles(const std::string& folder, Journal& journal,
                                              Logger& log);

// Tells the log that a file cannot be used. A damaged one is moved out of the way, for a human to
// look at; one that could not be read stays where it is.
void setAside(const std::string& path, const Error& why, Logger& log);

}  // namespace nimbus::host
