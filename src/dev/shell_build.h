#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/process.h"
#include "base/result.h"
#include "dev/workbench.h"

namespace nimbus::dev {

struct ShellBuild {
  ProcessRunner& runner;
  const Clock& clock;
  // Gets what the command prints, on the thread that builds.
  std::function<void(std::string_view)> output;
};

// Builds a project by its command (`sh -c`), in its folder, with its environment and with
// WASH_COMPONENT_PATH saying where the component is wanted. kInvalidArgument: the command failed,
// or left no file there; kCancelled: `stop`.
[[nodiscard]] Result<Built> buildByShell(const PlannedProject& project, std::stop_token stop,
                                         const ShellBuild& with);

}  // namespace nimbus::dev
