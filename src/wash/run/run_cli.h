#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "engine/engine.h"
#include "host/data_plane.h"
#include "host/manifest/manifest.h"
#include "wash/command.h"

namespace nimbus::wash {

// Runs a command to its end with this process's standard streams. Returns its exit status; 130
// after a signal.
[[nodiscard]] int runCli(engine::Engine& engine, std::shared_ptr<const engine::Component> component,
                         const host::WorkloadSpec& spec, const host::DataPlaneOptions& plane,
                         const std::vector<std::string>& arguments, const GlobalOptions& global,
                         Logger& log);

}  // namespace nimbus::wash
