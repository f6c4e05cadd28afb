#pragma once

#include <vector>

#include "dev/dev_plugin.h"

namespace nimbus::wash {

// The installed plugins that serve interfaces to the components of `wash dev`, as they are now:
// with their own folder and configuration, and the hosts that the user has agreed to.
[[nodiscard]] std::vector<dev::DevPlugin> listDevPlugins();

}  // namespace nimbus::wash
