#pragma once

#include <string>

#include "plugin/plugin_info.h"

namespace nimbus::wash {

// What a plugin would serve to components of `wash dev`, and to which of their imports: a line
// each, safe to print. kInvalidArgument: it would serve nothing.
[[nodiscard]] Result<std::string> servingText(const plugin::PluginInfo& info);

// The same as an object: `instance` ("composed", "called", "long-lived") and `interfaces`, a list
// of `name` and `versions`, those of imports that it is for: "1", "0.2", or just one.
[[nodiscard]] std::string servingJson(const plugin::PluginInfo& info);

}  // namespace nimbus::wash
