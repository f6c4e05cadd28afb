#pragma once

#include <string>

#include "base/result.h"
#include "project/config.h"

namespace nimbus::project {

// The project that a command is about, by the folder that it names; one that names none is about
// the current folder. A configuration counts, and so do files that show how a folder is built:
//
// - a folder that is named and shows it is the project, even below another one;
// - else it is the nearest folder at or above with either; where CMake or make builds one folder
//   within the other it is the outermost, up to that with the configuration;
// - without any configuration above it is the folder itself.
[[nodiscard]] Project namedProject(const std::string& folder);

// The same for `wash dev`, which runs several at once: where no folder is named, and the project
// has no configuration, it is the one above if that has it among its `dev.components`. Errors are
// those of the configuration above.
[[nodiscard]] Result<Project> developedProject(const std::string& folder,
                                               const std::string& user_file);

}  // namespace nimbus::project
