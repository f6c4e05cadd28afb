#pragma once

#include <vector>

#include "base/result.h"
#include "plugin/permissions.h"
#include "plugin/plugin.h"

namespace nimbus::plugin {

// What an instance of the plugin sees of the file system: the folders that were agreed to, as far
// as they are there, and its own one at /plugin_data and /tmp, which is made if need be.
[[nodiscard]] Result<std::vector<Permissions::Folder>> sandboxFolders(
    const Plugin& plugin, const Permissions& permissions);

}  // namespace nimbus::plugin
