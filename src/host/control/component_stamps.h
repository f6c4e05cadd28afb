#pragma once

#include <vector>

#include "base/files.h"
#include "host/manifest/manifest.h"

namespace nimbus::host {

// Of the files of a workload's components and its service, in their order.
[[nodiscard]] inline std::vector<FileStamp> stampsOf(const WorkloadSpec& spec) {
  std::vector<FileStamp> stamps;
  for (const ComponentSpec& member : spec.members()) stamps.push_back(stampOf(member.file));
  return stamps;
}

}  // namespace nimbus::host
