#include "dev/plan_support.h"

#include <string_view>

#include <fmt/format.h>

namespace nimbus::dev {
namespace {

using project::LoadedConfig;

std::unexpected<Error> unsupported(const LoadedConfig& loaded, std::string_view key,
                                   std::string_view why) {
  return fail(ErrorCode::kUnsupported, fmt::format("{}: {} is not supported: {}",
                                                   loaded.originOf(key).describe(), key, why));
}

// What is not there at all, whatever its value.
struct MissingKey {
  std::string_view key;
  std::string_view why;
};
constexpr MissingKey kMissing[] = {
    {"dev.max_outbound_socket_connections_per_workload",
     "guests' sockets are bounded for each component, by maxSockets of a manifest"},
    {"dev.wasi_keyvalue_redis_url", "name a provider in dev.host_interfaces"},
    {"dev.wasi_keyvalue_nats_url",
     "there is no store in NATS: set dev.data_nats_url, and in dev.host_interfaces a provider at "
     "nats:PREFIX"},
    {"dev.wasi_blobstore_path", "use an installed plugin that serves wasi:blobstore"},
    {"dev.postgres_url", "name a provider in dev.host_interfaces"},
};

Result<void> checkPorts(const LoadedConfig& loaded) {
  for (const project::PortSettings& port : loaded.config.dev.service_ports)
    if (port.protocol != "TCP")
      return unsupported(
          loaded, "dev.service_ports",
          fmt::format("{}: the network of a workload carries TCP only", port.protocol));
  return {};
}

Result<void> checkHostPlugins(const LoadedConfig& loaded) {
  for (const project::HostPluginSettings& plugin : loaded.config.dev.host_plugins) {
    if (plugin.max_restarts)
      return unsupported(loaded, "dev.host_plugins",
                         "maxRestarts: a component that fails is made anew for the next call, "
                         "however often");
    if (!plugin.ports.empty())
      return unsupported(loaded, "dev.host_plugins", "ports: only a service listens");
  }
  return {};
}

Result<void> checkSwitches(const LoadedConfig& loaded) {
  const project::DevSettings& dev = loaded.config.dev;
  if (dev.wasi_otel) return unsupported(loaded, "dev.wasi_otel", "nothing serves wasi:otel");
  if (dev.wasi_webgpu) return unsupported(loaded, "dev.wasi_webgpu", "nothing serves wasi:webgpu");
  for (const std::string& proposal : dev.wasm_proposals)
    if (proposal != "component-model-async")
      return unsupported(loaded, "dev.wasm_proposals",
                         fmt::format("{} cannot be switched on", proposal));
  if (loaded.isGiven("dev.http_client_trust_roots") && dev.http_client_trust_roots != "native" &&
      dev.http_client_trust_roots != "extra-only")
    return unsupported(
        loaded, "dev.http_client_trust_roots",
        fmt::format("{}: this program brings no roots along; there are native, those "
                    "of the system, and extra-only",
                    dev.http_client_trust_roots));
  return {};
}

}  // namespace

Result<void> checkSupported(const LoadedConfig& loaded) {
  for (const MissingKey& missing : kMissing)
    if (loaded.isGiven(missing.key)) return unsupported(loaded, missing.key, missing.why);
  TRY_VOID(checkPorts(loaded));
  TRY_VOID(checkHostPlugins(loaded));
  return checkSwitches(loaded);
}

}  // namespace nimbus::dev
