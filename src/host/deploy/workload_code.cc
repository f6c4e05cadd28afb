#include "host/deploy/workload_code.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/escape.h"
#include "engine/digest.h"

namespace nimbus::host {

WorkloadCode WorkloadCode::of(std::shared_ptr<const engine::Component> component) {
  WorkloadCode code;
  code.digests = {engine::digestText(component->digest())};
  code.components = {std::move(component)};
  code.plan.units = {{{0}}};
  return code;
}

namespace {

// What is imported by calls must be able to cross; where it cannot, the reader wants to know why
// the components were not composed.
Error explained(Error error, const WorkloadSpec& spec, const CompositionPlan& plan,
                const CompositionPlan::Unit& unit) {
  for (const ComponentLink& link : plan.links) {
    if (link.called_because.empty()) continue;
    if (std::ranges::find(unit.members, link.importer) == unit.members.end()) continue;
    std::string message = fmt::format(
        "{} is linked to {} by calls for {}, because {}", spec.describe(spec.member(link.importer)),
        inQuotes(spec.member(link.exporter).name), link.import_name, link.called_because);
    const ErrorCode code = error.code();
    return {code, std::move(message), std::move(error)};
  }
  return error;
}

}  // namespace

Task<Result<WorkloadCode>> loadWorkload(ComponentLoader& loader,
                                        std::shared_ptr<const WorkloadSpec> spec,
                                        Compiling compiling) {
  WorkloadCode code;
  if (spec->memberCount() == 1) {
    // There is nothing to plan; and its file may be known already.
    CO_TRY(auto loaded, co_await loader.load(spec->member(0), compiling));
    if (loaded.component) co_return WorkloadCode::of(std::move(loaded.component));
    code.missing = loaded.key;
    co_return code;
  }
  std::vector<wit::Composition::Part> members;
  std::vector<wit::ComponentInfo> infos;
  std::vector<engine::Sha256> digests;
  for (const ComponentSpec& member : spec->members()) {
    CO_TRY(ReadComponent read, co_await loader.read(member));
    code.digests.push_back(engine::digestText(read.digest));
    digests.push_back(read.digest);
    infos.push_back(read.component.info);
    members.push_back({member.name, std::move(read.component.wasm), std::move(read.component.info),
                       code.digests.back()});
  }
  CO_TRY(code.plan, planComposition(*spec, infos));
  code.components.resize(members.size());
  for (const CompositionPlan::Unit& unit : code.plan.units) {
    const std::size_t root = unit.members.front();
    const auto& [name, wasm, info, digest] = members[root];
    auto loaded =
        unit.members.size() == 1
            ? co_await loader.load(name, {{wasm, info}, digests[root]}, compiling)
            : co_await loader.load(name, compositionOf(code.plan, unit, members), compiling);
    if (!loaded)
      co_return std::unexpected(explained(std::move(loaded).error(), *spec, code.plan, unit));
    if (!loaded->component) {
      code.missing = loaded->key;
      break;
    }
    code.components[root] = std::move(loaded->component);
  }
  co_return code;
}

}  // namespace nimbus::host
