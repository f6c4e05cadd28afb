#include "plugin/command_server.h"

#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "capability/config/config.h"
#include "net/shard_result.h"
#include "plugin/component_rights.h"
#include "plugin/contract_service.h"
#include "plugin/plugin_instance.h"
#include "plugin/sandbox_folders.h"
#include "wit/interface_name.h"

namespace nimbus::plugin {
namespace {

constexpr Duration kDrainBound = std::chrono::seconds(5);
constexpr const char* kContracts = "contracts";
constexpr const char* kConfig = "config";
constexpr std::uint64_t kMemoryMebibytes = kMaxMemoryBytes >> 20;

std::uint64_t millisecondsOf(Duration duration) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

void mount(host::WorkloadSpec& spec, const Permissions::Folder& folder) {
  const std::string name = fmt::format("folder-{}", spec.volumes.size());
  spec.volumes.push_back({.name = name, .host_path = folder.host_path});
  spec.components.front().local_resources.volume_mounts.push_back(
      {.name = name, .mount_path = folder.guest_path, .read_only = folder.read_only});
}

host::HostInterface givenBy(const std::string& provider, std::string_view package) {
  const auto names = splitOnce(package, ':');
  host::HostInterface entry;
  entry.namespace_name = names->first;
  entry.package = names->second;
  entry.provider = std::string("given:") + provider;
  return entry;
}

Result<host::WorkloadSpec> specOf(const Plugin& plugin, const Permissions& permissions) {
  host::WorkloadSpec spec;
  spec.name = "plugin";
  host::ComponentSpec& component = spec.components.emplace_back();
  component.name = "plugin";
  component.file = plugin.wasm_path;
  component.digest = plugin.digest;
  component.max_instances = 8;
  component.timeout_ms = millisecondsOf(kServedLimits.wall_time);
  host::LocalResources& resources = component.local_resources;
  resources.memory_limit_mb = kMemoryMebibytes;
  resources.cpu_limit_ms = millisecondsOf(kServedLimits.cpu_time);
  resources.allowed_hosts = allowedHostsOf(permissions);
  resources.allowed_host_loopback_ports = loopbackPortsOf(resources.allowed_hosts);
  TRY(const std::vector<Permissions::Folder> folders, sandboxFolders(plugin, permissions));
  for (const Permissions::Folder& folder : folders) mount(spec, folder);
  spec.host_interfaces = {givenBy(kContracts, "nimbus:wash"), givenBy(kContracts, "wasmcloud:wash"),
                          givenBy(kConfig, "wasi:config")};
  spec.routes.push_back({.host = "", .path = "/", .methods = {}, .component = component.name});
  return spec;
}

}  // namespace

void GivenByName::set(const std::string& name, std::shared_ptr<wrpc::Invoker> provider) {
  const std::lock_guard lock(mutex_);
  providers_[name] = std::move(provider);
}

Result<host::Given> GivenByName::find(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = providers_.find(name);
  if (found != providers_.end()) return host::Given{found->second, nullptr};
  return fail(ErrorCode::kNotFound, "nobody provides " + name);
}

Result<std::unique_ptr<CommandServer>> CommandServer::start(host::DataPlane& plane,
                                                            GivenByName& given, const What& what,
                                                            const net::Endpoint& where) {
  given.set(kContracts, contractsWithoutRunners());
  given.set(kConfig, config::serveChangingConfig([config = what.config]() -> const config::Values& {
              return config->entries();
            }));
  TRY(host::WorkloadSpec made, specOf(what.plugin, what.permissions));
  const auto spec = std::make_shared<const host::WorkloadSpec>(std::move(made));
  std::unique_ptr<CommandServer> server(new CommandServer(plane));
  TRY_VOID(plane.openProviders(spec));
  TRY(server->deployment_, net::resultOn(plane.control(), 0, [&](net::Shard&) {
        return plane.runtime().assemble(spec, 1, host::WorkloadCode::of(what.component));
      }));
  plane.control().runTask(
      0, [&](net::Shard&) { return plane.runtime().swap(nullptr, server->deployment_); });
  TRY(server->address_, plane.listen(where, {}));
  return server;
}

void CommandServer::end() {
  const auto last = std::exchange(deployment_, nullptr);
  if (!last) return;
  plane_.drain(kDrainBound);
  plane_.control().runTask(0, [&](net::Shard&) { return plane_.runtime().swap(last, nullptr); });
  plane_.control().runTask(
      0, [&](net::Shard&) { return plane_.runtime().retire(last, Duration::zero()); });
}

}  // namespace nimbus::plugin
