#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/log.h"
#include "engine/engine.h"
#include "host/data_plane.h"
#include "host/manifest/manifest.h"
#include "project/settings.h"
#include "wash/command.h"

namespace nimbus::wash {

// Flags of `wash run` for components that handle HTTP.
struct HttpFlags {
  std::string address{project::kDefaultHttpAddress};
  std::size_t shards = 0;
  std::string tls_certificate;
  std::string tls_key;
  std::string tls_client_ca;
  std::string access_log;
};

void addHttpFlags(CLI::App& command, HttpFlags& flags);

// Serves until a signal comes, then lets running requests finish. Returns the exit status.
[[nodiscard]] int runHttp(engine::Engine& engine,
                          std::shared_ptr<const engine::Component> component,
                          const host::WorkloadSpec& spec, const host::DataPlaneOptions& plane,
                          const HttpFlags& flags, const GlobalOptions& global, Logger& log);

}  // namespace nimbus::wash
