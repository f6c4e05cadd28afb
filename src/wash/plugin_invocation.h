#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "plugin/contract.h"

namespace CLI {
class App;
}

namespace nimbus::wash {

// What was given to one command of a plugin, as the parser finds it.
struct GivenValues {
  std::map<std::string, std::vector<std::string>> flags;
  std::map<std::string, std::vector<std::string>> arguments;
};

// Adds a plugin's command or sub-command with its flags and arguments: values of flags from the
// environment and defaults, switches, numbers that are checked. Reading the command line fills
// `given`, which lives as long as the parser.
void addPluginFlags(CLI::App& command, const plugin::types::Command& declared, GivenValues& given);

// In the order in which they are declared. Paths become absolute.
[[nodiscard]] plugin::types::Invocation invocationOf(const plugin::types::Command& declared,
                                                     const GivenValues& given);

// What stands behind these words on a command line.
[[nodiscard]] std::vector<std::string> rawBehind(const std::vector<std::string>& line,
                                                 const std::vector<std::string>& words);

}  // namespace nimbus::wash
