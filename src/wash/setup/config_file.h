#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "project/config.h"
#include "project/config_text.h"
#include "project/directories.h"
#include "wash/command.h"

namespace nimbus::wash {

// The project of the working folder.
[[nodiscard]] project::Project currentProject();

// The user's configuration file: the one that --user-config names, the one that is there, or where
// one would be.
[[nodiscard]] std::string userConfigFile(const GlobalOptions& global,
                                         const project::Directories& folders);
// The same of the project.
[[nodiscard]] std::string projectConfigFile(const project::Project& project);

enum class NewConfig { kMinimal, kExample };
enum class Overwrite { kNo, kYes };

// Writes a new configuration file into a folder, which is made if it is missing, and returns its
// path. kAlreadyExists if any configuration file is there, unless it is this one and `overwrite`
// says so: two files would hide each other.
[[nodiscard]] Result<std::string> writeNewConfig(const std::string& folder,
                                                 project::ConfigFormat format, NewConfig what,
                                                 Overwrite overwrite);

// "1 mistake", "3 mistakes".
[[nodiscard]] std::string describeCount(const std::vector<project::ConfigProblem>& problems);

}  // namespace nimbus::wash
