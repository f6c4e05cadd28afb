#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "plugin/plugin_info.h"

namespace nimbus::plugin {

// What is kept beside an installed plugin, and printed with `-o json`: docs/formats/plugins.md.
[[nodiscard]] std::string infoJson(const PluginInfo& info);

// kInvalidArgument if it is not one that infoJson() wrote of a plugin that can be installed.
[[nodiscard]] Result<PluginInfo> parseInfoJson(std::string_view text);

}  // namespace nimbus::plugin
