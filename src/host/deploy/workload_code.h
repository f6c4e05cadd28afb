#pragma once

#include <memory>
#include <optional>
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
  // Set: it is not all there, for this would have to be compiled.
  std::optional<engine::Sha256> missing;

  // One component that was loaded already.
  [[nodiscard]] static WorkloadCode of(std::shared_ptr<const engine::Component> component);
};

// Loads all components of the workload, up to the first that is missing. Errors: those of
// ComponentLoader and planComposition().
[[nodiscard]] Task<Result<WorkloadCode>> loadWorkload(ComponentLoader& loader,
                                                      std::shared_ptr<const WorkloadSpec> spec,
                                                      Compiling compiling);

}  // namespace nimbus::host
