#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/process.h"
#include "base/result.h"
#include "dev/workbench.h"
#include "project/build.h"

namespace nimbus::dev {

struct ProjectBuilder {
  ProcessRunner& runner;
  std::string path_variable;  // PATH
  std::string wash;           // this program
  // Gets what the tools print, and lines of the build itself, on the thread that builds.
  std::function<void(std::string_view)> output;
  // As in project::BuildRequest.
  std::function<Result<void>(const project::BuildRequest&)> fetch_wit = {};
};

// The configuration that a planned project is built with.
[[nodiscard]] project::ProjectConfig buildConfigOf(const PlannedProject& project);

// Builds a project as `wash build` does, but with what its plan says of the build.
[[nodiscard]] Result<Built> buildPlanned(const PlannedProject& project, std::stop_token stop,
                                         const ProjectBuilder& builder);

}  // namespace nimbus::dev
