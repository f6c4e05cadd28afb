#include "host/manifest/capability_catalog.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/escape.h"
#include "base/text.h"
#include "host/manifest/provider_ref.h"
#include "host/manifest/text_rules.h"
#include "wit/interface_name.h"

namespace nimbus::host {
namespace {

constexpr std::array<std::string_view, 3> kKeyValueInterfaces = {"store", "atomics", "batch"};
constexpr std::array<std::string_view, 4> kKeyValueProviders = {
    "keyvalue-sqlite", "keyvalue-memory", "keyvalue-redis", "keyvalue-nats"};
constexpr std::array<std::string_view, 1> kConfigStoreInterfaces = {"store"};
constexpr std::array<std::string_view, 1> kConfigRuntimeInterfaces = {"runtime"};
constexpr std::array<std::string_view, 1> kConfigProviders = {"config"};
constexpr std::array<std::string_view, 1> kLoggingInterfaces = {"logging"};
constexpr std::array<std::string_view, 1> kLoggingProviders = {"logging"};

constexpr std::array<Capability, 4> kCapabilities = {{
    {"wasi:keyvalue", "0.2.0-draft", kKeyValueInterfaces, kKeyValueProviders,
     Capability::Grant::kNeedsEntry},
    {"wasi:config", "0.2.0-rc.1", kConfigStoreInterfaces, kConfigProviders,
     Capability::Grant::kAlways},
    {"wasi:config", "0.2.0-draft", kConfigRuntimeInterfaces, kConfigProviders,
     Capability::Grant::kAlways},
    {"wasi:logging", "0.1.0-draft", kLoggingInterfaces, kLoggingProviders,
     Capability::Grant::kAlways},
}};

constexpr std::array<std::string_view, 3> kKeyValueKeys = {"keyspace", "max-bytes", "max-keys"};

std::unexpected<Error> unsupported(std::string message) {
  return fail(ErrorCode::kUnsupported, std::move(message));
}

// "store" of "wasi:keyvalue/store".
std::string_view interfaceOf(const wit::InterfaceName& name) {
  return std::string_view(name.interface).substr(name.interface.find('/') + 1);
}

// Of one of the package's versions, all interfaces that the entry names.
bool serves(const Capability& capability, const HostInterface& entry) {
  if (capability.package != packageOf(entry)) return false;
  if (!entry.version.empty() && entry.version != capability.version) return false;
  return std::ranges::all_of(entry.interfaces, [&](const std::string& interface) {
    return isOneOf(capability.interfaces, interface);
  });
}

const Capability* capabilityOf(const HostInterface& entry) {
  const auto found = std::ranges::find_if(
      kCapabilities, [&](const Capability& capability) { return serves(capability, entry); });
  return found == kCapabilities.end() ? nullptr : &*found;
}

Result<void> checkConfig(const HostInterface& entry) {
  const bool keyvalue = packageOf(entry) == "wasi:keyvalue";
  for (const auto& [key, value] : entry.config) {
    if (packageOf(entry) == "wasi:config") continue;  // is what it serves
    if (!keyvalue || !isOneOf(kKeyValueKeys, key))
      return unsupported(
          fmt::format("the interface {} has no configuration {}", nameOf(entry), inQuotes(key)));
    const bool valid = key == "keyspace" ? isDnsLabel(value) : parseDecimal(value).has_value();
    if (!valid)
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("the interface {}: {} is not a value for {}", nameOf(entry),
                              inQuotes(value), key));
  }
  return {};
}

// A provider elsewhere, or a component, has its configuration there; what can be said here is how
// to speak to it.
Result<void> checkRemoteConfig(const HostInterface& entry, const ProviderRef& provider) {
  const bool remote = std::holds_alternative<wrpc::ProviderAddress>(provider);
  for (const auto& [key, value] : entry.config)
    if (!remote || packageOf(entry) != "wasi:keyvalue" || key != "bucket-prefix")
      return unsupported(
          fmt::format("the interface {} is served by {}, which takes no configuration {} from here",
                      nameOf(entry), entry.provider, inQuotes(key)));
  return {};
}

Result<void> checkBuiltIn(const HostInterface& entry, std::string_view provider) {
  const Capability* capability = capabilityOf(entry);
  if (capability == nullptr)
    return unsupported(fmt::format(
        "this host has no provider of the interface {}; name one that has: provider: unix:PATH, "
        "tcp:HOST:PORT or nats:PREFIX",
        nameOf(entry)));
  if (!provider.empty() && !isOneOf(capability->providers, provider))
    return unsupported(fmt::format("the interface {} has no built-in provider {}; there is {}",
                                   nameOf(entry), inQuotes(provider),
                                   fmt::join(capability->providers, ", ")));
  return checkConfig(entry);
}

}  // namespace

std::span<const Capability> capabilities() { return kCapabilities; }

std::string interfaceId(const Capability& capability, std::string_view interface) {
  return fmt::format("{}/{}@{}", capability.package, interface, capability.version);
}

const Capability* findCapability(std::string_view interface_id) {
  for (const Capability& capability : kCapabilities)
    for (const std::string_view interface : capability.interfaces)
      if (interfaceId(capability, interface) == interface_id) return &capability;
  return nullptr;
}

bool entryCovers(const HostInterface& entry, std::string_view interface_id) {
  const wit::InterfaceName name = wit::parseInterfaceName(interface_id);
  if (name.package != packageOf(entry)) return false;
  if (!entry.version.empty() && !wit::interfaceMatches(name.interface, entry.version, interface_id))
    return false;
  return entry.interfaces.empty() || isOneOf(entry.interfaces, interfaceOf(name));
}

Result<void> checkEntry(const HostInterface& entry) {
  if (entry.provider.empty()) return checkBuiltIn(entry, {});
  TRY(const ProviderRef provider, parseProviderRef(entry.provider));
  if (const auto* built_in = std::get_if<BuiltInProvider>(&provider))
    return checkBuiltIn(entry, built_in->name);
  return checkRemoteConfig(entry, provider);
}

std::string howToProvide(std::string_view interface_id, InterfacesBy by) {
  const wit::InterfaceName name = wit::parseInterfaceName(interface_id);
  const auto package = splitOnce(name.package, ':');
  if (by == InterfacesBy::kFlags) {
    return package ? fmt::format("add --provider {}=unix:PATH (or tcp:HOST:PORT, nats:PREFIX)",
                                 name.package)
                   : "only workloads of a host have providers of what has no package";
  }
  const std::string_view key =
      by == InterfacesBy::kProject ? "dev.host_interfaces" : "hostInterfaces";
  const std::string_view otherwise =
      by == InterfacesBy::kProject ? "; or install a plugin that exports it" : "";
  if (!package) {
    return fmt::format("add to {}: {{{}provider: unix:PATH}} (or tcp:HOST:PORT, nats:PREFIX){}",
                       key,
                       interface_id.empty() ? "" : fmt::format("interfaces: [{}], ", interface_id),
                       interface_id.empty() ? "" : otherwise);
  }
  const std::string entry =
      fmt::format("{{namespace: {}, package: {}, interfaces: [{}], provider: ", package->first,
                  package->second, interfaceOf(name));
  if (const Capability* capability = findCapability(interface_id))
    return fmt::format("add to {}: {}{}}}", key, entry, capability->providers.front());
  return fmt::format("add to {}: {}unix:PATH}} (or tcp:HOST:PORT, nats:PREFIX){}", key, entry,
                     otherwise);
}

}  // namespace nimbus::host
