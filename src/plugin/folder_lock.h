#pragma once

#include <string>

#include "base/result.h"
#include "host/files.h"

namespace nimbus::plugin {

// Keeps other processes from changing the plugins' folder while it lives. Waits for them.
[[nodiscard]] Result<host::OpenFile> lockFolder(const std::string& folder);

}  // namespace nimbus::plugin
