#pragma once

#include "wash/plugins/plugin_commands.h"

namespace nimbus::wash {

// `wash plugin test`: runs hooks or the command of a plugin that need not be installed, and prints
// what it got and gave.
void addPluginTest(CLI::App& group, const PluginCommandParts& parts);

}  // namespace nimbus::wash
