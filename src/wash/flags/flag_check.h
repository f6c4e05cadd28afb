#pragma once

#include <cstdint>
#include <string>
#include <string_view>
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

// What is wrong with `text`, which is none of the words.
[[nodiscard]] std::string wrongChoice(std::string_view text,
                                      const std::vector<std::string_view>& words);

// Lets an option have one of `choices` only, in whatever case.
//
//   oneOf<Format>(command.add_option("--format", flags.format), {{"yaml", Format::kYaml}, …});
template <typename Value>
CLI::Option* oneOf(CLI::Option* option, Choices<Value> choices) {
  std::string all;
  for (const auto& [word, value] : choices) all += (all.empty() ? "" : "|") + word;
  const auto find = [choices = std::move(choices)](std::string& text) {
    std::vector<std::string_view> words;
    for (const auto& [word, value] : choices) {
      if (equalsIgnoringCase(text, word)) {
        text = CLI::detail::value_string(value);
        return std::string();
      }
      words.push_back(word);
    }
    return wrongChoice(text, words);
  };
  return option->transform(CLI::Validator(find, ""))->option_text(std::move(all));
}

// Those of an option whose help names them as `oneOf` does; empty if its values are no fixed set.
[[nodiscard]] std::vector<std::string> choicesOf(const CLI::Option& option);

}  // namespace nimbus::wash
