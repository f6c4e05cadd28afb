#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include "wash/output/output.h"

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

// As the words ask for it, which the parser need not have reached.
[[nodiscard]] OutputFormat formatAskedFor(const std::vector<std::string>& words);

// Lets the program read the words behind its name, whatever they are. What is wrong with them, or,
// where they are a question for help or the version, the answer, has been printed if there is a
// result: the exit status.
[[nodiscard]] std::optional<int> readWords(CLI::App& app, const std::vector<std::string>& words,
                                           OutputFormat format);

}  // namespace nimbus::wash
