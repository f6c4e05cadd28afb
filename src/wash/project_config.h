#pragma once

#include <optional>
#include <string>

#include "base/result.h"

namespace nimbus::wash {

// What `.wash/config.yaml` of a project says about building it. Keys as in wash 2; the sections for
// other commands are not read here.
struct BuildConfig {
  std::string file;            // the configuration file; empty if the project has none
  std::string command;         // build.command: for `sh -c`; empty if not given
  std::string component_path;  // build.component_path: from the project folder; empty if not given
};

// Reads `<folder>/.wash/config.yaml`, `.yml` or `.json`, the first that is there. Wrong types, and
// misspelt keys within `build`, are kInvalidArgument with file and line.
[[nodiscard]] Result<BuildConfig> readBuildConfig(const std::string& folder);

}  // namespace nimbus::wash
