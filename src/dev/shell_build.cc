#include "dev/shell_build.h"

#include <filesystem>

#include <fmt/format.h>

namespace nimbus::dev {

Result<Built> buildByShell(const PlannedProject& project, std::stop_token stop,
                           const ShellBuild& with) {
  namespace fs = std::filesystem;
  const fs::path made = (fs::path(project.folder) / project.component_path).lexically_normal();
  const TimePoint begin = with.clock.now();
  ProcessSpec spec{.arguments = {"sh", "-c", project.command},
                   .folder = project.folder,
                   .environment = {project.environment.begin(), project.environment.end()},
                   .sink = [&](ProcessStream, std::string_view chunk) { with.output(chunk); },
                   .stop = std::move(stop)};
  spec.environment.emplace_back("WASH_COMPONENT_PATH", made.string());
  TRY(const ProcessOutcome outcome, with.runner.run(spec));
  if (!outcome.ok()) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("the build failed with status {}: {}",
                                                         outcome.exit_status, project.command));
  }
  std::error_code error;
  if (!fs::is_regular_file(made, error)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the build left no component at {}", made.string()));
  }
  return Built{made.string(), with.clock.now() - begin};
}

}  // namespace nimbus::dev
