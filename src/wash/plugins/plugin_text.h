#pragma once

#include <string>
#include <vector>

#include "plugin/grant.h"
#include "plugin/permissions.h"
#include "plugin/plugin_store.h"

namespace nimbus::wash {

// How plugins look in results, safe to print.
[[nodiscard]] std::string pluginTable(const std::vector<plugin::InstalledPlugin>& plugins);
[[nodiscard]] std::string pluginDetails(const plugin::InstalledPlugin& plugin,
                                        const std::vector<plugin::Grant>& grants);
// What it declares, and what it may ask for without having declared it: under headings, a line
// each; empty if that is nothing.
[[nodiscard]] std::string needsText(const plugin::PluginInfo& info);
// What it declares, and what became of each at the installation.
[[nodiscard]] std::string needsJson(const std::vector<plugin::Need>& needs);

[[nodiscard]] std::string pluginJson(const plugin::InstalledPlugin& plugin);
[[nodiscard]] std::string grantsJson(const std::vector<plugin::Grant>& grants);

}  // namespace nimbus::wash
