#include "dev/plan_support.h"

#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "engine/proposals.h"

namespace nimbus::dev {
namespace {

using project::LoadedConfig;

class Unsupported {
 public:
  explicit Unsupported(const LoadedConfig& loaded) : loaded_(loaded) {}

  void add(std::string_view key, std::string_view why) {
    all_.emplace_back(
        ErrorCode::kUnsupported,
        fmt::format("{}: {} is not supported: {}", loaded_.originOf(key).describe(), key, why));
  }
  [[nodiscard]] std::vector<Error> take() { return std::move(all_); }

 private:
  const LoadedConfig& loaded_;
  std::vector<Error> all_;
};

// What is not there at all, whatever its value.
struct MissingKey {
  std::string_view key;
  std::string_view why;
};
constexpr MissingKey kMissing[] = {
    {"dev.postgres_url", "name a provider in dev.host_interfaces"},
};

void findPorts(const project::DevSettings& dev, Unsupported& found) {
  for (const project::PortSettings& port : dev.service_ports)
    if (port.protocol != "TCP")
      found.add("dev.service_ports",
                fmt::format("{}: the network of a workload carries TCP only", port.protocol));
}

void findHostPlugins(const project::DevSettings& dev, Unsupported& found) {
  for (const project::HostPluginSettings& plugin : dev.host_plugins)
    if (!plugin.ports.empty()) found.add("dev.host_plugins", "ports: only a service listens");
}

void findSwitches(const LoadedConfig& loaded, Unsupported& found) {
  const project::DevSettings& dev = loaded.config.dev;
  if (dev.wasi_otel) found.add("dev.wasi_otel", "nothing serves wasi:otel");
  if (dev.wasi_webgpu) found.add("dev.wasi_webgpu", "nothing serves wasi:webgpu");
  for (const std::string& proposal : dev.wasm_proposals)
    if (const auto named = engine::proposalNamed(proposal); !named)
      found.add("dev.wasm_proposals", named.error().message());
}

}  // namespace

std::vector<Error> unsupportedKeys(const LoadedConfig& loaded) {
  Unsupported found(loaded);
  for (const MissingKey& missing : kMissing)
    if (loaded.isGiven(missing.key)) found.add(missing.key, missing.why);
  findPorts(loaded.config.dev, found);
  findHostPlugins(loaded.config.dev, found);
  findSwitches(loaded, found);
  return found.take();
}

Result<void> checkSupported(const LoadedConfig& loaded) {
  std::vector<Error> found = unsupportedKeys(loaded);
  if (found.empty()) return {};
  return std::unexpected(std::move(found.front()));
}

}  // namespace nimbus::dev
