#pragma once

#include <string>

#include "project/config.h"

namespace nimbus::project {

// The project that a command is about, by the folder that it names: that folder itself if its files
// show how it is built, even below another project; else what findProject() finds. The current
// folder counts as not named.
[[nodiscard]] Project namedProject(const std::string& folder);

}  // namespace nimbus::project
