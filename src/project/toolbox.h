#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/process.h"
#include "base/result.h"

namespace nimbus::project {

// What this machine has to build with: which programs are there, and what they say when asked.
// Keeps a reference to the runner.
class Toolbox {
 public:
  Toolbox(ProcessRunner& runner, std::string path_variable, std::string folder,
          std::stop_token stop = {});

  // The absolute path of a program on PATH, links kept.
  [[nodiscard]] std::optional<std::string> find(std::string_view program) const;
  // The first of them that is there.
  [[nodiscard]] std::optional<std::string> findAny(const std::vector<std::string>& programs) const;
  // The same; kNotFound: "Go projects need go: <how>".
  [[nodiscard]] Result<std::string> need(std::string_view program, std::string_view who,
                                         std::string_view how) const;

  // What a program that answers at once writes to standard output, without blanks around it;
  // nothing if it fails or takes more than ten seconds. `environment` is added to this process's.
  [[nodiscard]] std::optional<std::string> ask(
      std::vector<std::string> arguments,
      std::vector<std::pair<std::string, std::string>> environment = {}) const;

  [[nodiscard]] const std::string& path() const { return path_variable_; }

 private:
  ProcessRunner& runner_;
  std::string path_variable_;
  std::string folder_;
  std::stop_token stop_;
};

}  // namespace nimbus::project
