#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "dev/dev_plugin.h"
#include "dev/dev_workloads.h"
#include "dev/plan.h"
#include "host/deploy/read_components.h"
#include "wit/component_info.h"

namespace nimbus::dev {

// A component of the plan as it lies on disk now.
struct ComponentPart {
  std::string path;
  std::string digest;  // "sha256:<hex>"
  wit::ComponentInfo info;
};

// Reads a component: kNotFound, kInvalidArgument (not WebAssembly, or broken), kResourceExhausted
// (more than 256 MiB). A core module of WASI preview 1 is what it is wrapped into. What was read is
// put into `read`, if that is not null.
[[nodiscard]] Result<ComponentPart> readPart(const std::string& path,
                                             host::ReadComponents* read = nullptr);

// The workloads of a plan and its components (`parts`, in the order of the plan):
//  * interfaces that are served by a store of the host are bound to the embedded one, unless the
//    plan says otherwise;
//  * a host plugin that exports interfaces is a workload of its own, and what imports them is bound
//    to it; one that answers HTTP requests is a component for those which others pass on;
//  * an import that neither the host, nor another component, nor an entry of the plan serves goes
//    to the plugin that exports it in a compatible version, which becomes a component of the
//    workload or is bound to it; several that do are kInvalidArgument, unless an entry of the plan
//    names one (`provider: component:plugin-NAME`);
//  * without routes in the plan the first component that serves HTTP gets all requests; if none
//    does and there is no service, that is kUnsupported.
[[nodiscard]] Result<DevWorkloads> assembleWorkloads(const DevPlan& plan,
                                                     std::span<const ComponentPart> parts,
                                                     std::span<const DevPlugin> plugins);

}  // namespace nimbus::dev
