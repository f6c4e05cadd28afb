#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

namespace nimbus::wash {

// "wash oci has no command "pul"; did you mean "pull"?" `name` is what was typed before.
[[nodiscard]] std::string unknownCommand(std::string_view word, std::string_view name,
                                         const std::vector<std::string_view>& known);
// The same where `at` is the command that it was typed behind.
[[nodiscard]] std::string unknownCommand(std::string_view word, std::string_view name,
                                         const CLI::App& at);

// What is wrong with a command line that the parser refused: in the words of this program, with
// what was probably meant. `words` are those behind `wash`.
[[nodiscard]] std::string usageMessage(const CLI::App& app, const std::vector<std::string>& words,
                                       const CLI::ParseError& error);

// Prints it, as JSON on standard output where `words` ask for that; or, where the "error" is a
// question for help or the version, the answer. Returns the exit status.
[[nodiscard]] int reportUsage(const CLI::App& app, const std::vector<std::string>& words,
                              const CLI::ParseError& error);

}  // namespace nimbus::wash
