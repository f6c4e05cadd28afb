#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/result.h"
#include "base/text.h"

namespace nimbus::wash {

// Lets a flag have only the values that `parse` takes, so that a wrong one ends the program before
// anything is begun, and with the status of a wrong command line. `parse` gives a Result.
//
//   command.add_option("--timeout", flags.timeout)->check(acceptedBy(parseDuration));
template <typename Parse>
[[nodiscard]] CLI::Validator acceptedBy(Parse parse) {
  return CLI::Validator(
      [parse](std::string& text) {
        const auto parsed = parse(text);
        return parsed ? std::string() : parsed.error().message();
      },
      "");
}

// What stands before and after the first "=" in an argument such as KEY=VALUE.
[[nodiscard]] Result<std::pair<std::string, std::string>> parseKeyValue(std::string_view text);

// A whole number between the two.
[[nodiscard]] CLI::Validator numberFrom(std::uint64_t least, std::uint64_t most);

// The words that a flag can have, in the order of its help.
template <typename Value>
using Choices = std::vector<std::pair<std::string, Value>>;

// One of the words, in whatever case.
[[nodiscard]] CLI::Validator oneOf(std::vector<std::string> words);

// Adds an option that can be one of `choices` only, in whatever case. Its results stay as they were
// typed.
//
//   addChoice(command, "--format", flags.format, "The format", {{"yaml", Format::kYaml}, …});
template <typename Value>
CLI::Option* addChoice(CLI::App& command, const std::string& name, Value& value,
                       const std::string& help, Choices<std::type_identity_t<Value>> choices) {
  std::string all;
  std::vector<std::string> words;
  for (const auto& [word, one] : choices) {
    all += (all.empty() ? "" : "|") + word;
    words.push_back(word);
  }
  const auto set = [&value, choices = std::move(choices)](const std::string& text) {
    for (const auto& [word, one] : choices) {
      if (equalsIgnoringCase(text, word)) value = one;
    }
  };
  return command.add_option_function<std::string>(name, set, help)
      ->check(oneOf(std::move(words)))
      ->option_text(std::move(all));
}

// Those of an option whose help names them as `addChoice` does; empty if there is no such set.
[[nodiscard]] std::vector<std::string> choicesOf(const CLI::Option& option);

}  // namespace nimbus::wash
