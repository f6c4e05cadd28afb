#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "host/bindings/component_links.h"
#include "host/manifest/manifest.h"
#include "host/workload/runtime.h"
#include "wit/component_info.h"
#include "wit/compose.h"

namespace nimbus::host {

// How the components of one workload become what is run. A unit is what one instance holds: the
// component that is called from outside or by calls of other units, and those it calls, composed
// into it.
struct CompositionPlan {
  struct Unit {
    std::vector<std::size_t> members;  // the first is called; without the others if nothing is
                                       // composed
    bool from_outside = true;          // else by other components only, or it is the service
  };
  std::vector<ComponentLink> links;
  std::vector<Unit> units;
};

// What a workload's manifest and components ask for. Called from outside is what serves HTTP and
// has a route, or is called by no other component; other HTTP components of a chain are not. What
// none of the workload calls and what does not serve HTTP is there for other workloads.
//
// Components are composed unless the manifest names one as provider, they keep instances by
// another policy or one has limits of its own: those are linked by calls, the link with the reason.
// The service is a unit of its own, and what it calls is linked by calls.
// What is called in a cycle would never be done: that is kUnsupported with the reason. So is a
// component that nothing can call.
[[nodiscard]] Result<CompositionPlan> planComposition(const WorkloadSpec& spec,
                                                      std::span<const wit::ComponentInfo> infos);

// Whether a component can be a service; else kUnsupported with the reason.
[[nodiscard]] Result<void> checkService(const WorkloadSpec& spec, const wit::ComponentInfo& info);

// What the links of one member became, for people.
[[nodiscard]] std::vector<LinkStatus> linkStatuses(const CompositionPlan& plan,
                                                   const WorkloadSpec& spec, std::size_t component);

// The unit as the tools want it. `components` are all those of the workload.
[[nodiscard]] wit::Composition compositionOf(const CompositionPlan& plan,
                                             const CompositionPlan::Unit& unit,
                                             std::span<const wit::Composition::Part> components);

}  // namespace nimbus::host
