#include "host/component_bindings.h"

#include <map>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "host/capability_catalog.h"
#include "host/text_rules.h"
#include "wit/interface_name.h"

namespace nimbus::host {
namespace {

// What serves an import: an entry of the manifest, or what every component has anyway.
struct Source {
  const ComponentSpec* owner = nullptr;
  std::string package;
  const HostInterface* entry = nullptr;
  friend auto operator<=>(const Source&, const Source&) = default;
};

bool isLabelled(const WantedImport& import) { return import.name != import.interface; }

std::optional<Source> sourceOf(const WorkloadSpec& workload, const WantedImport& import) {
  const std::string label = isLabelled(import) ? import.name : "";
  const std::string package = wit::parseInterfaceName(import.interface).package;
  for (const HostInterface& entry : workload.host_interfaces)
    if (entry.name == label && entryCovers(entry, import.interface) &&
        entry.provider != "component:" + import.owner->name)
      return Source{import.owner, package, &entry};
  const Capability* capability = findCapability(import.interface);
  if (capability == nullptr || capability->grant != Capability::Grant::kAlways) return std::nullopt;
  return Source{import.owner, package, nullptr};
}

// "team/shop/web/wasi:keyvalue", and what tells several entries of one package apart.
std::string bindingId(const BindingParties& parties, const Source& source) {
  std::string id =
      fmt::format("{}/{}/{}", parties.workload.id(), source.owner->name, source.package);
  if (source.entry == nullptr) return id;
  if (!source.entry->interfaces.empty())
    id += fmt::format("/{}", fmt::join(source.entry->interfaces, ","));
  if (!source.entry->version.empty()) id += "@" + source.entry->version;
  if (!source.entry->name.empty()) id += "#" + source.entry->name;
  return id;
}

std::shared_ptr<const wrpc::Consumer> consumerOf(const BindingParties& parties,
                                                 const Source& source, const std::string& id) {
  wrpc::Consumer consumer;
  consumer.workload = parties.workload.id();
  consumer.component = source.owner->name;
  consumer.binding = id;
  if (source.entry != nullptr) {
    consumer.link_name = source.entry->name;
    consumer.config.assign(source.entry->config.begin(), source.entry->config.end());
  }
  return std::make_shared<const wrpc::Consumer>(std::move(consumer));
}

std::unexpected<Error> failMissing(const std::vector<const WantedImport*>& missing) {
  std::string message;
  for (const WantedImport* import : missing) {
    if (!message.empty()) message += "; ";
    message += fmt::format("component {} imports ", inQuotes(import->owner->name));
    message += isLabelled(*import)
                   ? fmt::format("{} (as {})", import->interface, inQuotes(import->name))
                   : import->interface;
    message += fmt::format(", which nothing provides: {}", howToProvide(import->interface));
    if (isLabelled(*import)) message += fmt::format(", with name: {}", import->name);
  }
  return fail(ErrorCode::kNotFound, std::move(message));
}

}  // namespace

Result<ComponentBindings> bindImports(const BindingParties& parties,
                                      std::span<const WantedImport> imports, Providers& providers,
                                      BindingTable& table) {
  ComponentBindings bound;
  std::map<Source, BoundImport> by_source;
  std::vector<const WantedImport*> missing;
  for (const WantedImport& import : imports) {
    const auto source = sourceOf(parties.workload, import);
    if (!source) {
      missing.push_back(&import);
      continue;
    }
    auto known = by_source.find(*source);
    if (known == by_source.end()) {
      const std::string id = bindingId(parties, *source);
      const auto consumer = consumerOf(parties, *source, id);
      TRY(auto target, providers.targetFor({.workload = parties.workload,
                                            .component = *source->owner,
                                            .package = source->package,
                                            .entry = source->entry,
                                            .consumer = consumer,
                                            .log = parties.log_of(*source->owner),
                                            .generation = parties.generation}));
      auto binding = table.find(id);
      known = by_source.emplace(*source, BoundImport{import, binding->link(), consumer}).first;
      bound.uses.emplace_back(std::move(binding), std::move(target));
    }
    bound.imports.push_back({import, known->second.invoker, known->second.consumer});
  }
  if (!missing.empty()) return failMissing(missing);
  return bound;
}

}  // namespace nimbus::host
