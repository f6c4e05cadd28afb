#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace nimbus::plugin {

// Keeps other processes from changing the plugins' folder while it lives. Waits for them.
[[nodiscard]] Result<UniqueFd> lockPluginFolder(const std::string& folder);

}  // namespace nimbus::plugin
