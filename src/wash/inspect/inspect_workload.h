#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "host/workload/runtime.h"
#include "wash/input/resolve_reference.h"

namespace nimbus::wash {

// What a workload's manifest and its components' files say of how the components would be put
// together on a host.
struct WorkloadInspection {
  struct Component {
    std::string name;
    bool is_service = false;
    std::vector<std::string> inside;  // composed into it, if it is called
    bool called_from_outside = false;
    bool called_by_others = false;  // and by them only, each call on its own
    std::vector<host::LinkStatus> links;
  };
  std::string file;
  std::string workload;  // "<namespace>/<name>"
  std::vector<Component> components;
};

// Whether an argument names a manifest, not a component.
[[nodiscard]] bool isManifestName(std::string_view argument);

// Reads the manifest and the files that it names; `user_file` is as for resolveComponent(). The
// errors of parseManifest() and planComposition().
[[nodiscard]] Result<WorkloadInspection> inspectWorkload(const std::string& file,
                                                         const ReferenceFlags& source,
                                                         const std::string& user_file);

[[nodiscard]] std::string workloadInspectionText(const WorkloadInspection& inspection);
// The one line of `-o json`.
[[nodiscard]] std::string workloadInspectionJson(const WorkloadInspection& inspection);

}  // namespace nimbus::wash
