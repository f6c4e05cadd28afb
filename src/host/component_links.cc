#include "host/component_links.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "host/text_rules.h"

namespace nimbus::host {
namespace {

using Infos = std::span<const wit::ComponentInfo>;

bool isCompatible(const wit::InterfaceName& wanted, const wit::ExternName& name) {
  return name.kind == "instance" &&
         wit::interfaceMatches(wanted.interface, wanted.version, name.name);
}

const std::string* findIn(const std::vector<wit::ExternName>& names,
                          const wit::InterfaceName& wanted) {
  const auto found = std::ranges::find_if(
      names, [&](const wit::ExternName& name) { return isCompatible(wanted, name); });
  return found == names.end() ? nullptr : &found->name;
}

bool isHttpHandler(const wit::InterfaceName& name) {
  return name.interface == "wasi:http/incoming-handler" || name.interface == "wasi:http/handler";
}

class Linker {
 public:
  Linker(const WorkloadSpec& spec, Infos infos) : spec_(spec), infos_(infos) {}

  // The component that serves the import, if one does.
  Result<std::optional<std::size_t>> exporterOf(std::size_t importer,
                                                const wit::ExternName& import) const {
    const std::vector<std::size_t> exporters = exportersOf(import.parts);
    if (std::ranges::find(exporters, importer) != exporters.end())
      return nextAfter(importer, import, exporters);
    if (exporters.empty()) return std::nullopt;
    if (exporters.size() == 1 || isChain(exporters, import.parts)) return exporters.front();
    std::vector<std::string> names;
    for (const std::size_t exporter : exporters) names.push_back(nameOf(exporter));
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("component {} imports {}, which several components export: {}",
                            nameOf(importer), import.name, fmt::join(names, ", ")));
  }

 private:
  std::string nameOf(std::size_t index) const { return inQuotes(spec_.components[index].name); }

  std::vector<std::size_t> exportersOf(const wit::InterfaceName& wanted) const {
    std::vector<std::size_t> exporters;
    for (std::size_t i = 0; i < infos_.size(); ++i) {
      if (findIn(infos_[i].exports, wanted) != nullptr) exporters.push_back(i);
    }
    return exporters;
  }

  // All but the last import it, too.
  bool isChain(const std::vector<std::size_t>& exporters, const wit::InterfaceName& wanted) const {
    return std::ranges::all_of(exporters.begin(), exporters.end() - 1, [&](std::size_t exporter) {
      return findIn(infos_[exporter].imports, wanted) != nullptr;
    });
  }

  Result<std::optional<std::size_t>> nextAfter(std::size_t importer, const wit::ExternName& import,
                                               const std::vector<std::size_t>& exporters) const {
    const auto next = std::ranges::upper_bound(exporters, importer);
    if (next != exporters.end()) return *next;
    if (!isHttpHandler(import.parts)) return std::nullopt;  // the host may serve it
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("component {} imports {}, which it exports too, and no component after "
                            "it in the manifest exports that",
                            nameOf(importer), import.name));
  }

  const WorkloadSpec& spec_;
  const Infos infos_;
};

}  // namespace

Result<std::vector<ComponentLink>> linkComponents(const WorkloadSpec& spec, Infos infos) {
  const Linker linker(spec, infos);
  std::vector<ComponentLink> links;
  for (std::size_t i = 0; i < infos.size(); ++i) {
    for (const wit::ExternName& import : infos[i].imports) {
      // A label is no name to look for among others' exports.
      if (import.kind != "instance" || !import.implements.empty()) continue;
      TRY(const auto exporter, linker.exporterOf(i, import));
      if (!exporter) continue;
      links.push_back({i, import.name, *exporter, *findIn(infos[*exporter].exports, import.parts)});
    }
  }
  return links;
}

}  // namespace nimbus::host
