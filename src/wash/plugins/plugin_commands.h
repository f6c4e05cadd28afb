#pragma once

#include <string>
#include <vector>

#include "plugin/plugin.h"
#include "wash/command.h"
#include "wash/plugins/plugins.h"
#include "wash/terminal/interrupt.h"

namespace CLI {
class App;
}

namespace nimbus::wash {

// What the commands of plugins and `wash plugin` need; all of it lives as long as the parser.
struct PluginCommandParts {
  Plugins& plugins;
  const GlobalOptions& global;
  Action& action;
  std::vector<std::string> line;      // as it was typed, without the program's name
  std::vector<DataField> shown = {};  // of a plugin's command, beside what it says
};

// `wash doctor`, which asks plugins as well.
void addDoctorCommand(CLI::App& app, const PluginCommandParts& parts);
// `wash plugin …`.
void addPluginCommand(CLI::App& app, const PluginCommandParts& parts);
// The commands of installed plugins, behind those of wash itself.
void addPluginWords(CLI::App& app, const PluginCommandParts& parts);
void addWordsOf(CLI::App& app, const plugin::Plugin& plugin, const PluginCommandParts& parts);

// Runs it and prints what it returned, or how it failed; `interrupt` ends it. `command` is how it
// was typed.
[[nodiscard]] int runPluginCommand(const plugin::Plugin& plugin,
                                   plugin::types::Invocation invocation, const std::string& command,
                                   const PluginCommandParts& parts, plugin::HookContext& context,
                                   const Interrupt& interrupt);

}  // namespace nimbus::wash
