#pragma once

#include <string>

#include <CLI/CLI.hpp>

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

}  // namespace nimbus::wash
