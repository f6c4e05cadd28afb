#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "base/process.h"
#include "base/result.h"

namespace nimbus::project {

// How git is run for a repository of somebody else: with transports that run no program of the
// URL's choice, without the hooks and submodules, apart from the repository in which `wash` may
// stand, and for ten minutes at most.
class GitCommand {
 public:
  enum class Prompts { kAllowed, kForbidden };
  // The user's configuration says how to reach servers, but also what to run for files.
  enum class Configuration { kUsers, kNone };

  // `runner` outlives it.
  GitCommand(ProcessRunner& runner, Prompts prompts, std::stop_token stop)
      : runner_(runner), prompts_(prompts), stop_(std::move(stop)) {}

  // Standard output, trimmed. kInvalidArgument with the last that git says of an error; kNotFound:
  // there is no git.
  [[nodiscard]] Result<std::string> run(std::vector<std::string> arguments,
                                        Configuration configuration) const;

 private:
  ProcessRunner& runner_;
  Prompts prompts_;
  std::stop_token stop_;
};

}  // namespace nimbus::project
