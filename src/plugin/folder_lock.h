#pragma once

#include <string>

#include "base/files.h"
#include "base/result.h"

namespace nimbus::plugin {

// Keeps other processes from changing the plugins' folder while it lives. Waits for them.
[[nodiscard]] Result<UniqueFd> lockFolder(const std::string& folder);

}  // namespace nimbus::plugin
