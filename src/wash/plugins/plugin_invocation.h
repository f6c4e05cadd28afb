#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
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

// Adds a plugin's command or sub-command with its flags and arguments: defaults, switches, numbers
// that are checked. Reading the command line fills `given`, which lives as long as the parser.
void addPluginFlags(CLI::App& command, const plugin::types::Command& declared, GivenValues& given);

// The value of a variable of the environment, if it is set and the plugin may have it.
using ReadVariable = std::function<std::optional<std::string>(const std::string& name)>;
// Gives flags that the command line left out the values of their variables. kInvalidArgument: what
// a variable says cannot be, or a flag that is required has no value.
[[nodiscard]] Result<void> fillFromVariables(const plugin::types::Command& declared,
                                             const ReadVariable& read, GivenValues& given);

// In the order in which they are declared. Paths become absolute.
[[nodiscard]] plugin::types::Invocation invocationOf(const plugin::types::Command& declared,
                                                     const GivenValues& given);

}  // namespace nimbus::wash
