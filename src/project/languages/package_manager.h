#pragma once

#include <filesystem>
#include <string>

#include "project/settings.h"

namespace nimbus::project {

// Who installs the packages of a JavaScript project, "npm", "pnpm" or "yarn": by its lock file,
// else the one that is configured.
[[nodiscard]] std::string packageManagerOf(const std::filesystem::path& folder,
                                           const TypeScriptSettings& settings);

}  // namespace nimbus::project
