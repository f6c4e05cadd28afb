#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "engine/component.h"
#include "host/deploy/component_loader.h"
#include "host/deploy/composition.h"
#include "host/manifest/manifest.h"

namespace nimbus::host {

// What a workload's members became: compiled, and composed where one calls another. Lists are in
// their order.
struct WorkloadCode {
  // Null for a component that runs only inside of others.
  std::vector<std::shared_ptr<const engine::Component>> components;
  std::vector<std::string> digests;  // "sha256:<hex>" of each file
  CompositionPlan plan;

  // One component that was loaded already.
  [[nodiscard]] static WorkloadCode of(std::shared_ptr<const engine::Component> component);
};

// Loads all components of the workload. Errors: those of ComponentLoader and planComposition().
[[nodiscard]] Task<Result<WorkloadCode>> loadWorkload(ComponentLoader& loader,
                                                      std::shared_ptr<const WorkloadSpec> spec);

}  // namespace nimbus::host
