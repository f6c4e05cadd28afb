#pragma once

#include <functional>
#include <memory>
#include <stop_token>

#include "base/result.h"
#include "dev/plan.h"
#include "dev/project_workbench.h"
#include "engine/engine.h"
#include "plugin/hook_context.h"
#include "plugin/plugin_runtime.h"
#include "plugin/plugin_store.h"
#include "wash/command.h"
#include "wash/output/line_printer.h"
#include "wash/output/redirected_log.h"
#include "wash/terminal/status_line.h"

namespace nimbus::wash {

struct DevServerOptions {
  Duration settle = std::chrono::milliseconds(5);
  bool log_requests = false;
  std::function<void()> ending;  // told once it is to end, before it waits for what runs
  engine::EngineOptions engine;
};

// What it works with; all of it outlives it. How to plan and to build is made once it is known
// where builds print to.
struct DevParts {
  struct Functions {
    std::function<Result<std::shared_ptr<const dev::DevPlan>>()> plan;
    std::function<Result<dev::Built>(const dev::PlannedProject&, std::stop_token)> build;
    // What a plan says of plugins counts from now on.
    std::function<Result<void>(const dev::PlannedPlugins&)> configure;
  };
  // `status` stands below `lines`.
  std::function<Functions(LinePrinter& lines, StatusLine& status)> functions;
  plugin::PluginStore& store;
  const std::vector<plugin::PluginStore::Problem>& problems;  // of its plugins, as was told
  plugin::PluginRuntime& plugins;
  RedirectedLog& plugin_log;  // of `plugins`
  plugin::HookContext& context;
  const GlobalOptions& global;
};

// Serves what the functions plan and build, with what installed plugins serve to it, until a signal
// comes; then running requests may finish for a moment. Leaves in the context where it served:
// `dev.address`.
[[nodiscard]] Result<void> serveDevelopment(const DevServerOptions& options, const DevParts& parts);

}  // namespace nimbus::wash
