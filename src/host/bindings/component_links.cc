#include "host/bindings/component_links.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/escape.h"
#include "host/manifest/capability_catalog.h"
#include "host/manifest/provider_ref.h"

namespace nimbus::host {
namespace {

using Infos = std::span<const wit::ComponentInfo>;

// What is said of a service that calls are to go to.
constexpr std::string_view kCannotBeCalled =
    "cannot be called by components: its one instance comes and goes by itself";

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

// The component of the workload that the entry names; empty if it names something else.
std::string namedComponent(const HostInterface& entry) {
  if (entry.provider.empty()) return {};
  const auto ref = parseProviderRef(entry.provider);
  const auto* named = ref ? std::get_if<ComponentProvider>(&*ref) : nullptr;
  return named != nullptr && named->workload.empty() ? named->component : std::string();
}

class Linker {
 public:
  Linker(const WorkloadSpec& spec, Infos infos) : spec_(spec), infos_(infos) {}

  // The link that an entry of the manifest asks for.
  Result<std::optional<ComponentLink>> namedLink(std::size_t importer,
                                                 const wit::ExternName& import) const {
    const bool labelled = !import.implements.empty();
    const std::string& interface = labelled ? import.implements : import.name;
    for (const HostInterface& entry : spec_.host_interfaces) {
      if (entry.name != (labelled ? import.name : "") || !entryCovers(entry, interface)) continue;
      const std::string name = namedComponent(entry);
      // What a component wants that others get from it comes from behind it.
      if (name.empty() || name == spec_.member(importer).name) continue;
      TRY(const std::size_t exporter, componentOf(entry, name));
      const std::string* exported =
          findIn(infos_[exporter].exports, wit::parseInterfaceName(interface));
      if (exported == nullptr)
        return fail(ErrorCode::kInvalidArgument,
                    fmt::format("{} imports {}, which {} is to provide by the manifest and does "
                                "not export",
                                described(importer), interface, nameOf(exporter)));
      return ComponentLink{importer, import.name, exporter, *exported,
                           "the manifest names it as the provider"};
    }
    return std::nullopt;
  }

  // Whether the program around the host serves it.
  bool isGiven(const wit::ExternName& import) const {
    return std::ranges::any_of(spec_.host_interfaces, [&](const HostInterface& entry) {
      const auto ref = parseProviderRef(entry.provider);
      return entry.name.empty() && import.implements.empty() && ref &&
             std::holds_alternative<GivenProvider>(*ref) && entryCovers(entry, import.name);
    });
  }

  // That the entries name components which there are.
  Result<void> checkEntries() const {
    for (const HostInterface& entry : spec_.host_interfaces)
      if (const std::string name = namedComponent(entry); !name.empty())
        TRY_VOID(componentOf(entry, name));
    return {};
  }

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
                fmt::format("{} imports {}, which several components export: {}",
                            described(importer), import.name, fmt::join(names, ", ")));
  }

  // Of an import that no component serves: that it is not the service which is meant to.
  Result<void> checkNotTheService(std::size_t importer, const wit::ExternName& import) const {
    const std::size_t service = spec_.components.size();
    if (service >= infos_.size() || importer == service) return {};
    if (findIn(infos_[service].exports, import.parts) == nullptr) return {};
    const bool served_by_host =
        std::ranges::any_of(spec_.host_interfaces, [&](const HostInterface& entry) {
          return entry.name.empty() && entryCovers(entry, import.name);
        });
    if (served_by_host) return {};
    return fail(ErrorCode::kUnsupported,
                fmt::format("{} imports {}, which only the {} exports: a service {}",
                            described(importer), import.name, described(service), kCannotBeCalled));
  }

 private:
  std::string nameOf(std::size_t index) const { return inQuotes(spec_.member(index).name); }
  std::string described(std::size_t index) const { return spec_.describe(spec_.member(index)); }

  Result<std::size_t> componentOf(const HostInterface& entry, const std::string& name) const {
    const auto found = std::ranges::find(spec_.components, name, &ComponentSpec::name);
    if (found != spec_.components.end())
      return static_cast<std::size_t>(found - spec_.components.begin());
    if (spec_.service && spec_.service->component.name == name)
      return fail(
          ErrorCode::kUnsupported,
          fmt::format("hostInterfaces names {} as provider: that is the workload's service, which "
                      "{}",
                      entry.provider, kCannotBeCalled));
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("hostInterfaces names {} as provider, and the workload has no component "
                    "of that name",
                    entry.provider));
  }

  std::vector<std::size_t> exportersOf(const wit::InterfaceName& wanted) const {
    std::vector<std::size_t> exporters;
    for (std::size_t i = 0; i < spec_.components.size(); ++i) {
      if (spec_.components[i].shared && !isHttpHandler(wanted)) continue;
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
                fmt::format("{} imports {}, which it exports too, and no component after it in the "
                            "manifest exports that",
                            described(importer), import.name));
  }

  const WorkloadSpec& spec_;
  const Infos infos_;
};

}  // namespace

bool isHttpHandler(const wit::InterfaceName& name) {
  return name.interface == "wasi:http/incoming-handler" || name.interface == "wasi:http/handler";
}

bool isOfferedInterface(const wit::ExternName& name) {
  return name.kind == "instance" && !isHttpHandler(name.parts) &&
         name.parts.interface != "wasi:cli/run";
}

Result<std::vector<ComponentLink>> linkComponents(const WorkloadSpec& spec, Infos infos) {
  const Linker linker(spec, infos);
  TRY_VOID(linker.checkEntries());
  std::vector<ComponentLink> links;
  for (std::size_t i = 0; i < infos.size(); ++i) {
    for (const wit::ExternName& import : infos[i].imports) {
      if (import.kind != "instance") continue;
      TRY(auto named, linker.namedLink(i, import));
      if (named) {
        links.push_back(*std::move(named));
        continue;
      }
      if (linker.isGiven(import)) continue;
      // A label is no name to look for among others' exports.
      if (!import.implements.empty()) continue;
      TRY(const auto exporter, linker.exporterOf(i, import));
      if (!exporter) {
        TRY_VOID(linker.checkNotTheService(i, import));
        continue;
      }
      links.push_back(
          {i, import.name, *exporter, *findIn(infos[*exporter].exports, import.parts), {}});
    }
  }
  return links;
}

}  // namespace nimbus::host
