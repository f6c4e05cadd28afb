#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include "wash/command.h"

namespace nimbus::wash {

// What stands on the line behind the command that was chosen below `app`, for its hooks:
// `arguments.NAME` for each argument that was given. Options are left out: some are secrets.
[[nodiscard]] Action::Inputs givenArguments(const CLI::App& app);

// The same action with them beside its own inputs, which win. `action` outlives it.
[[nodiscard]] Action withArguments(const Action& action, const CLI::App& app);

[[nodiscard]] std::string argumentKey(std::string_view name);
// Several values of one argument: each on a line.
[[nodiscard]] std::string argumentText(const std::vector<std::string>& values);

}  // namespace nimbus::wash
