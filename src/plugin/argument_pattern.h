#pragma once

#include <span>
#include <string>
#include <string_view>

namespace nimbus::plugin {

// A pattern of one argument: `*` stands for any characters, `\` takes the next character as it is.
[[nodiscard]] bool matchesArgument(std::string_view pattern, std::string_view argument);

// One pattern for each argument; a last pattern `**` stands for any further arguments.
[[nodiscard]] bool matchesArguments(std::span<const std::string> patterns,
                                    std::span<const std::string> arguments);

// The pattern that matches this argument only.
[[nodiscard]] std::string exactPattern(std::string_view argument);

}  // namespace nimbus::plugin
