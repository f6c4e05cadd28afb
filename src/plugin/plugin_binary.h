#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"
#include "plugin/plugin.h"

namespace nimbus::plugin {

inline constexpr std::size_t kMaxPluginBytes = std::size_t{256} << 20;

// The plugin's binary, which is what was installed: kPermissionDenied if it has another digest.
[[nodiscard]] Result<std::string> readBinary(const Plugin& plugin);

}  // namespace nimbus::plugin
