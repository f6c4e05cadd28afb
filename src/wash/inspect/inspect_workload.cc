#include "wash/inspect/inspect_workload.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/files.h"
#include "base/text.h"
#include "engine/engine.h"
#include "host/deploy/composition.h"
#include "host/manifest/manifest.h"
#include "wash/output/output.h"

namespace nimbus::wash {
namespace {

constexpr std::size_t kMaxManifestBytes = 1 << 20;

Result<std::vector<wit::ComponentInfo>> infosOf(const host::WorkloadSpec& spec,
                                                const ReferenceFlags& source,
                                                const std::string& user_file) {
  std::vector<wit::ComponentInfo> infos;
  for (const host::ComponentSpec& component : spec.members()) {
    ReferenceFlags flags = source;
    if (component.pull_policy) flags.pull_policy = *component.pull_policy;
    TRY(ResolvedComponent resolved,
        component.file.empty() ? resolveComponentOrReference(component.image, flags, user_file)
                               : resolveComponent(component.file, user_file));
    TRY(engine::Engine::Inspected inspected, engine::Engine::inspect(std::move(resolved.bytes)));
    infos.push_back(std::move(inspected.info));
  }
  return infos;
}

std::string useText(const WorkloadInspection::Component& component) {
  if (component.is_service) return "the service, keeps running";
  if (component.called_by_others)
    return component.inside.empty()
               ? "called by others, alone"
               : fmt::format("called by others, with {} inside", fmt::join(component.inside, ", "));
  if (!component.called_from_outside) return "runs inside of those that call it";
  if (component.inside.empty()) return "serves HTTP, alone";
  return fmt::format("serves HTTP, with {} inside", fmt::join(component.inside, ", "));
}

std::string linkJson(const host::LinkStatus& link) {
  return fmt::format(R"({{"import":{},"component":{},"how":{},"reason":{}}})",
                     jsonText(link.import_name), jsonText(link.component), jsonText(link.how),
                     jsonText(link.reason));
}

std::string componentJson(const WorkloadInspection::Component& component) {
  return fmt::format(
      R"({{"name":{},"service":{},"calledFromOutside":{},"calledByOthers":{},"inside":{},)"
      R"("links":{}}})",
      jsonText(component.name), component.is_service, component.called_from_outside,
      component.called_by_others, jsonList(component.inside), jsonArray(component.links, linkJson));
}

}  // namespace

bool isManifestName(std::string_view argument) {
  return std::ranges::any_of(std::initializer_list<std::string_view>{".yaml", ".yml", ".json"},
                             [&](std::string_view ending) { return argument.ends_with(ending); });
}

Result<WorkloadInspection> inspectWorkload(const std::string& file, const ReferenceFlags& source,
                                           const std::string& user_file) {
  TRY(const std::string text, readFile(file, kMaxManifestBytes));
  TRY(const std::string absolute, absolutePath(file));
  const std::string folder = std::filesystem::path(absolute).parent_path().string();
  TRY(const host::WorkloadSpec spec, host::parseManifest(text, file, folder));
  TRY(const auto infos, infosOf(spec, source, user_file));
  TRY(const host::CompositionPlan plan, host::planComposition(spec, infos));
  WorkloadInspection inspection{.file = file, .workload = spec.id(), .components = {}};
  for (std::size_t i = 0; i < spec.memberCount(); ++i) {
    inspection.components.push_back({.name = spec.member(i).name,
                                     .is_service = spec.isService(i),
                                     .inside = {},
                                     .links = host::linkStatuses(plan, spec, i)});
  }
  for (const host::CompositionPlan::Unit& unit : plan.units) {
    WorkloadInspection::Component& root = inspection.components[unit.members.front()];
    root.called_from_outside = unit.from_outside;
    root.called_by_others = !unit.from_outside && !root.is_service;
    for (const std::size_t member : unit.members) {
      if (member != unit.members.front()) root.inside.push_back(spec.components[member].name);
    }
  }
  return inspection;
}

std::string workloadInspectionText(const WorkloadInspection& inspection) {
  std::string text = fmt::format("{}: workload {}\n", inspection.file, inspection.workload);
  for (const WorkloadInspection::Component& component : inspection.components) {
    text += fmt::format("{}: {}\n", component.name, useText(component));
    for (const host::LinkStatus& link : component.links) {
      text += fmt::format("  {} -> {}, {}: {}\n", link.import_name, link.component, link.how,
                          link.reason);
    }
  }
  return text;
}

std::string workloadInspectionJson(const WorkloadInspection& inspection) {
  return resultLine(true, "Inspected " + inspection.file,
                    {{"workload", jsonText(inspection.workload)},
                     {"components", jsonArray(inspection.components, componentJson)}});
}

}  // namespace nimbus::wash
