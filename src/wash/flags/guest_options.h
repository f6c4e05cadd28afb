#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "host/data_plane.h"
#include "host/manifest/manifest.h"
#include "wash/flags/nats_flags.h"

namespace CLI {
class App;
}

namespace nimbus::wash {

// What `wash run` lets a guest have, as the flags say it.
struct GuestFlags {
  std::vector<std::string> environment;  // NAME=VALUE
  std::vector<std::string> folders;      // HOST::GUEST[:ro], or HOST
  std::vector<std::string> allowed_hosts;
  std::vector<std::string> allowed_lookups;
  std::vector<std::string> allowed_loopback_ports;
  std::vector<std::string> outgoing_ca_files;  // PEM
  std::uint32_t pool_size = 0;
  std::uint64_t max_invocations = 0;
  std::uint32_t max_concurrency = 1;
  std::string max_memory;              // "512MiB"
  std::string timeout;                 // "30s"
  std::string cpu_limit;               // "500ms"
  std::string keyvalue = "memory";     // "memory", "sqlite:FILE", or the address of a provider
  std::vector<std::string> config;     // KEY=VALUE, for wasi:config
  std::vector<std::string> providers;  // NAMESPACE:PACKAGE=ADDRESS
  NatsFlags nats;
};

void addGuestFlags(CLI::App& command, GuestFlags& flags);

// The workload that runs one component with these flags, for every address.
[[nodiscard]] Result<host::WorkloadSpec> workloadOf(const GuestFlags& flags,
                                                    const std::string& component_path);

// What serves that workload: its providers, and what its outgoing requests trust.
[[nodiscard]] Result<host::DataPlaneOptions> planeOptionsOf(const GuestFlags& flags);

// "64KiB", "512MiB", "2GiB", or a number of bytes.
[[nodiscard]] Result<std::uint64_t> parseBytes(std::string_view text);
// "250ms", "30s", "5m", "1h"; 0 needs no unit.
[[nodiscard]] Result<Duration> parseDuration(std::string_view text);

}  // namespace nimbus::wash
