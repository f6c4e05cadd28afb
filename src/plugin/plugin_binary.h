#pragma once

#include <string>

#include "base/result.h"
#include "plugin/plugin.h"

namespace nimbus::plugin {

// The plugin's binary, which is what was installed: kPermissionDenied if it has another digest.
[[nodiscard]] Result<std::string> readBinary(const Plugin& plugin);

}  // namespace nimbus::plugin
