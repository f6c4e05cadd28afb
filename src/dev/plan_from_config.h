#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/process.h"
#include "base/result.h"
#include "dev/plan.h"
#include "project/config.h"
#include "project/directories.h"

namespace nimbus::dev {

// What a plan is made of besides configuration files.
struct PlanRequest {
  std::string folder;     // of the project, absolute
  std::string user_file;  // the user's configuration; empty: where it usually is
  // Of keys that flags speak of, stronger than everything.
  std::vector<project::ConfigFlag> flags;
  bool no_build = false;
  // From hooks: for components and for builds.
  StringMap environment;
  // Files that matter besides: the plan is made anew when they change.
  std::vector<std::string> sources;
};

// Reads the configuration and makes the plan of it. Keys that this build cannot honour are
// kUnsupported by name; other errors are those of loadConfig() and ValueResolver.
[[nodiscard]] Result<std::shared_ptr<const DevPlan>> makePlan(const PlanRequest& request,
                                                              project::ReadVariable variable,
                                                              ProcessRunner& runner);

}  // namespace nimbus::dev
