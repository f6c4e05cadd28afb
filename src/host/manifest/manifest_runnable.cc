#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/escape.h"
#include "base/text.h"
#include "host/manifest/capability_catalog.h"
#include "host/manifest/manifest.h"
#include "host/manifest/provider_ref.h"
#include "host/manifest/text_rules.h"

namespace nimbus::host {
namespace {

// What of `wasi` every host serves: packages, all at 0.2 and 0.3, with the interfaces of both.
struct BuiltIn {
  std::string_view package;
  std::vector<std::string_view> interfaces;
};
const std::vector<BuiltIn>& builtIns() {
  static const std::vector<BuiltIn> all = {
      {"http", {"types", "incoming-handler", "outgoing-handler", "handler", "client"}},
      {"cli",
       {"environment", "exit", "run", "stdin", "stdout", "stderr", "terminal-input",
        "terminal-output", "terminal-stdin", "terminal-stdout", "terminal-stderr", "types"}},
      {"io", {"error", "poll", "streams"}},
      {"clocks", {"monotonic-clock", "wall-clock", "system-clock", "timezone", "types"}},
      {"random", {"random", "insecure", "insecure-seed"}},
      {"filesystem", {"types", "preopens"}},
      {"sockets",
       {"network", "instance-network", "ip-name-lookup", "tcp", "tcp-create-socket", "udp",
        "udp-create-socket", "types"}}};
  return all;
}

const BuiltIn* builtInOf(const HostInterface& entry) {
  if (entry.namespace_name != "wasi") return nullptr;
  const auto found = std::ranges::find(builtIns(), entry.package, &BuiltIn::package);
  return found == builtIns().end() ? nullptr : &*found;
}

std::unexpected<Error> unsupported(std::string message) {
  return fail(ErrorCode::kUnsupported, std::move(message));
}

bool isServedVersion(std::string_view version) {
  if (version.empty()) return true;
  for (const std::string_view served : {"0.2", "0.3"})
    if (version == served || (version.starts_with(served) && version[served.size()] == '.'))
      return true;
  return false;
}

// The program around the host may take the requests that components pass on.
bool isGivenHandler(const HostInterface& host_interface) {
  const auto ref = parseProviderRef(host_interface.provider);
  return ref && std::holds_alternative<GivenProvider>(*ref) && host_interface.package == "http" &&
         !host_interface.interfaces.empty() &&
         std::ranges::all_of(host_interface.interfaces, [](const std::string& name) {
           return name == "incoming-handler" || name == "handler";
         });
}

// What the engine itself serves: there is nothing to choose.
Result<void> checkWasi(const HostInterface& host_interface, const BuiltIn& served) {
  const std::string name = nameOf(host_interface);
  const bool is_served = std::ranges::all_of(
      host_interface.interfaces,
      [&](const std::string& interface) { return isOneOf(served.interfaces, interface); });
  if (!is_served || !isServedVersion(host_interface.version))
    return unsupported(fmt::format("this host has no provider of the interface {}", name));
  if (!host_interface.provider.empty() && !isGivenHandler(host_interface))
    return unsupported(fmt::format("the interface {} is the host's own; it cannot be served by {}",
                                   name, inQuotes(host_interface.provider)));
  if (!host_interface.name.empty())
    return unsupported(fmt::format("the interface {} cannot be bound under a name of its own ({})",
                                   name, inQuotes(host_interface.name)));
  for (const auto& [key, value] : host_interface.config)
    if (host_interface.package != "http" || (key != "host" && key != "host-aliases"))
      return unsupported(
          fmt::format("the interface {} has no configuration {}", name, inQuotes(key)));
  return {};
}

Result<void> checkInterface(const HostInterface& host_interface) {
  const BuiltIn* const served = builtInOf(host_interface);
  return served != nullptr ? checkWasi(host_interface, *served) : checkEntry(host_interface);
}

bool overlap(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  if (a.empty() || b.empty()) return true;
  return std::ranges::any_of(a, [&](const std::string& name) { return isOneOf(b, name); });
}

// Whether a component's import could be meant by both.
bool clash(const HostInterface& a, const HostInterface& b) {
  return a.name == b.name && a.namespace_name == b.namespace_name && a.package == b.package &&
         (a.version == b.version || a.version.empty() || b.version.empty()) &&
         overlap(a.interfaces, b.interfaces);
}

// What cannot come about later, whether or not anything imports the interface.
Result<void> checkProvider(const WorkloadSpec& spec, const HostInterface& entry) {
  const auto ref = parseProviderRef(entry.provider);
  const auto* named = ref ? std::get_if<ComponentProvider>(&*ref) : nullptr;
  if (named == nullptr) return {};
  const auto has_name = [&](const ComponentSpec& member) {
    return member.name == named->component;
  };
  if (named->workload.empty() && std::ranges::none_of(spec.members(), has_name))
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("hostInterfaces names {} as provider, and the workload has no "
                            "component of that name",
                            entry.provider));
  const auto parts = splitOnce(named->workload, '/');
  if (parts && parts->first != spec.namespace_name)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is of another namespace than the workload, which is of {}",
                            entry.provider, inQuotes(spec.namespace_name)));
  return {};
}

Result<void> checkInterfaces(const WorkloadSpec& spec) {
  const std::vector<HostInterface>& interfaces = spec.host_interfaces;
  for (std::size_t i = 0; i < interfaces.size(); ++i) {
    TRY_VOID(checkInterface(interfaces[i]));
    TRY_VOID(checkProvider(spec, interfaces[i]));
    for (std::size_t k = 0; k < i; ++k)
      if (clash(interfaces[i], interfaces[k]))
        return fail(ErrorCode::kInvalidArgument,
                    fmt::format("two entries of hostInterfaces speak of {}; give one a name of its "
                                "own",
                                nameOf(interfaces[i])));
  }
  return {};
}

}  // namespace

Result<void> checkRunnable(const WorkloadSpec& spec) {
  if (!spec.unsupported_keys.empty())
    return unsupported(fmt::format("this host does not support {}", spec.unsupported_keys[0]));
  return checkInterfaces(spec);
}

}  // namespace nimbus::host
