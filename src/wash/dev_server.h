#pragma once

#include <cstddef>
#include <functional>

#include "base/result.h"
#include "dev/plan.h"
#include "dev/project_workbench.h"
#include "engine/engine.h"
#include "plugin/hook_context.h"
#include "wash/command.h"
#include "wash/line_printer.h"

namespace nimbus::wash {

struct DevServerOptions {
  std::size_t shards = 1;
  Duration settle = std::chrono::milliseconds(15);
  bool log_requests = false;
  engine::EngineOptions engine;
};

// Made once it is known where builds print to.
using DevFunctions = std::function<dev::ProjectWorkbench::Functions(LinePrinter&)>;

// Serves what the functions plan and build until a signal comes; then running requests may finish
// for a moment. Leaves in the context where it served and what: `dev.address`,
// `dev.component_path`.
[[nodiscard]] Result<void> serveDevelopment(const DevServerOptions& options,
                                            const DevFunctions& functions,
                                            const GlobalOptions& global,
                                            plugin::HookContext& context);

}  // namespace nimbus::wash
