#pragma once

#include <string>
#include <vector>

#include "plugin/grant.h"
#include "plugin/plugin_store.h"

namespace nimbus::wash {

// How plugins look in results, safe to print.
[[nodiscard]] std::string pluginTable(const std::vector<plugin::InstalledPlugin>& plugins);
[[nodiscard]] std::string pluginDetails(const plugin::InstalledPlugin& plugin,
                                        const std::vector<plugin::Grant>& grants);
// What it declares, a line each; empty if that is nothing.
[[nodiscard]] std::string declaredText(const plugin::PluginInfo& info);

[[nodiscard]] std::string pluginJson(const plugin::InstalledPlugin& plugin);
[[nodiscard]] std::string grantsJson(const std::vector<plugin::Grant>& grants);

}  // namespace nimbus::wash
