#include "host/workload_code.h"

#include "engine/digest.h"

namespace nimbus::host {

WorkloadCode WorkloadCode::of(std::shared_ptr<const engine::Component> component) {
  WorkloadCode code;
  code.digests = {engine::digestText(component->digest())};
  code.components = {std::move(component)};
  code.plan.units = {{{0}}};
  return code;
}

Task<Result<WorkloadCode>> loadWorkload(ComponentLoader& loader,
                                        std::shared_ptr<const WorkloadSpec> spec) {
  if (spec->components.size() == 1) {
    // There is nothing to plan; and its file may be known already.
    CO_TRY(auto loaded, co_await loader.load(spec->components[0]));
    co_return WorkloadCode::of(std::move(loaded));
  }
  WorkloadCode code;
  std::vector<Bytes> parts;
  std::vector<wit::ComponentInfo> infos;
  for (const ComponentSpec& component : spec->components) {
    CO_TRY(ComponentLoader::Read read, co_await loader.read(component));
    code.digests.push_back(engine::digestText(read.digest));
    parts.push_back(std::move(read.component.wasm));
    infos.push_back(std::move(read.component.info));
  }
  CO_TRY(code.plan, planComposition(*spec, infos));
  code.components.resize(parts.size());
  for (const CompositionPlan::Unit& unit : code.plan.units) {
    const std::size_t root = unit.members.front();
    const std::string& name = spec->components[root].name;
    if (unit.members.size() == 1) {
      CO_TRY(code.components[root], co_await loader.load(name, parts[root]));
    } else {
      CO_TRY(code.components[root],
             co_await loader.load(name, compositionOf(code.plan, unit, *spec, infos, parts)));
    }
  }
  co_return code;
}

}  // namespace nimbus::host
