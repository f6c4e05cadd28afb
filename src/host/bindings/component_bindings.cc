#include "host/bindings/component_bindings.h"

#include <map>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/escape.h"
#include "host/bindings/component_links.h"
#include "host/manifest/capability_catalog.h"
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
  std::string id = fmt::format("{}/{}/{}", parties.workload.id(), source.owner->name,
                               source.package.empty() ? "world" : source.package);
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

struct NewBinding {
  std::shared_ptr<Binding> binding;
  BindingTarget target;
  std::shared_ptr<const wrpc::Consumer> consumer;
  std::shared_ptr<CallGraph::Edge> call;
};

Result<NewBinding> newBinding(const BindingParties& parties, const Source& source,
                              Providers& providers, BindingTable& table) {
  const std::string id = bindingId(parties, source);
  NewBinding made;
  made.consumer = consumerOf(parties, source, id);
  TRY(made.target, providers.targetFor({.workload = parties.workload,
                                        .component = *source.owner,
                                        .package = source.package,
                                        .entry = source.entry,
                                        .consumer = made.consumer,
                                        .log = parties.log_of(*source.owner),
                                        .generation = parties.generation}));
  if (made.target.called) {
    TRY(made.call,
        parties.calls.add({parties.workload.id(), parties.generation, source.owner->name},
                          *made.target.called));
  }
  made.binding = table.find(id);
  return made;
}

std::unexpected<Error> failMissing(const WorkloadSpec& workload,
                                   const std::vector<const WantedImport*>& missing) {
  std::string message;
  for (const WantedImport* import : missing) {
    if (!message.empty()) message += "; ";
    message += workload.describe(*import->owner) + " imports ";
    message += isLabelled(*import)
                   ? fmt::format("{} (as {})", import->interface, inQuotes(import->name))
               : import->interface.empty() ? "functions of its world"
                                           : import->interface;
    message += fmt::format(", which nothing provides: {}",
                           howToProvide(import->interface, workload.interfaces_by));
    if (isLabelled(*import) && workload.interfaces_by != InterfacesBy::kFlags)
      message += fmt::format(", with name: {}", import->name);
  }
  return fail(ErrorCode::kNotFound, std::move(message));
}

Result<std::shared_ptr<engine::RequestTarget>> requestsOf(const BindingTarget& target,
                                                          const WantedImport& import) {
  if (target.requests) return target.requests;
  return fail(ErrorCode::kUnsupported,
              fmt::format("{} cannot be served by {}, which takes no HTTP requests",
                          import.interface, target.provider));
}

}  // namespace

Result<ComponentBindings> bindImports(const BindingParties& parties,
                                      std::span<const WantedImport> imports, Providers& providers,
                                      BindingTable& table) {
  ComponentBindings bound;
  std::map<Source, NewBinding> by_source;
  std::vector<const WantedImport*> missing;
  for (const WantedImport& import : imports) {
    const auto source = sourceOf(parties.workload, import);
    if (!source) {
      missing.push_back(&import);
      continue;
    }
    auto known = by_source.find(*source);
    if (known == by_source.end()) {
      TRY(NewBinding made, newBinding(parties, *source, providers, table));
      known = by_source.emplace(*source, std::move(made)).first;
    }
    const NewBinding& binding = known->second;
    if (binding.target.check) TRY_VOID(binding.target.check(import.interface));
    if (isHttpHandler(wit::parseInterfaceName(import.interface))) {
      TRY(auto requests, requestsOf(binding.target, import));
      bound.imports.push_back({import, nullptr, nullptr, std::move(requests)});
    } else {
      bound.imports.push_back({import, binding.binding->link(), binding.consumer, nullptr});
    }
  }
  if (!missing.empty()) return failMissing(parties.workload, missing);
  for (auto& [source, made] : by_source)
    bound.uses.emplace_back(std::move(made.binding), std::move(made.target), std::move(made.call));
  return bound;
}

}  // namespace nimbus::host
