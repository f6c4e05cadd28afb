#include "project/git_command.h"

#include <unistd.h>

#include <array>
#include <chrono>
#include <string_view>
#include <utility>

#include "base/text.h"

namespace nimbus::project {
namespace {

using Environment = std::vector<std::pair<std::string, std::string>>;

constexpr std::chrono::minutes kTimeLimit{10};

// They bind git to a repository: that of a hook, say, in which `wash` runs.
constexpr std::array<std::string_view, 12> kOfARepository = {
    "GIT_DIR",          "GIT_WORK_TREE",        "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",   "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_PREFIX",       "GIT_SHALLOW_FILE",     "GIT_GRAFT_FILE",
    "GIT_TEMPLATE_DIR", "GIT_NAMESPACE",        "GIT_CONFIG"};
// Configuration by variables.
constexpr std::array<std::string_view, 2> kOfConfiguration = {"GIT_CONFIG_COUNT",
                                                              "GIT_CONFIG_PARAMETERS"};

Environment inherited(GitCommand::Configuration configuration) {
  Environment kept;
  for (char** each = ::environ; each != nullptr && *each != nullptr; ++each) {
    const auto pair = splitOnce(*each, '=');
    if (!pair || isOneOf(kOfARepository, pair->first)) continue;
    const bool configures = isOneOf(kOfConfiguration, pair->first);
    if (configures && configuration == GitCommand::Configuration::kNone) continue;
    kept.emplace_back(pair->first, pair->second);
  }
  return kept;
}

void set(Environment& environment, std::string_view name, std::string_view value) {
  std::erase_if(environment, [&](const auto& each) { return each.first == name; });
  environment.emplace_back(name, value);
}

Environment environmentFor(GitCommand::Prompts prompts, GitCommand::Configuration configuration) {
  Environment environment = inherited(configuration);
  set(environment, "GIT_ALLOW_PROTOCOL", "file:git:http:https:ssh");
  const bool ask = prompts == GitCommand::Prompts::kAllowed;
  set(environment, "GIT_TERMINAL_PROMPT", ask ? "1" : "0");
  if (!ask) {
    // Whoever is asked in the terminal's place has nothing to say: neither a password, nor that the
    // key of a host is right.
    set(environment, "GIT_ASKPASS", "true");
    set(environment, "SSH_ASKPASS", "true");
    set(environment, "SSH_ASKPASS_REQUIRE", "force");
    set(environment, "GCM_INTERACTIVE", "never");
  }
  if (configuration == GitCommand::Configuration::kNone) {
    set(environment, "GIT_CONFIG_GLOBAL", "/dev/null");
    set(environment, "GIT_CONFIG_NOSYSTEM", "1");
    set(environment, "GIT_ATTR_NOSYSTEM", "1");
  }
  return environment;
}

// Settings that go before those of all files. A server that sends nothing for a minute is gone.
std::vector<std::string> commandLine(std::vector<std::string> arguments) {
  std::vector<std::string> line = {"git"};
  for (const char* setting :
       {"core.hooksPath=/dev/null", "core.fsmonitor=false", "core.attributesFile=/dev/null",
        "submodule.recurse=false", "fetch.recurseSubmodules=false", "http.lowSpeedLimit=1",
        "http.lowSpeedTime=60"}) {
    line.emplace_back("-c");
    line.emplace_back(setting);
  }
  line.insert(line.end(), std::make_move_iterator(arguments.begin()),
              std::make_move_iterator(arguments.end()));
  return line;
}

}  // namespace

Result<std::string> GitCommand::run(std::vector<std::string> arguments,
                                    Configuration configuration) const {
  const Result<ProcessOutcome> outcome =
      runner_.run({.arguments = commandLine(std::move(arguments)),
                   .environment = environmentFor(prompts_, configuration),
                   .inherit_environment = false,
                   .timeout = kTimeLimit,
                   .stop = stop_});
  if (!outcome) {
    if (outcome.error().code() != ErrorCode::kNotFound) return std::unexpected(outcome.error());
    return fail(ErrorCode::kNotFound, "repositories need git: apt-get install git");
  }
  if (outcome->ok()) return std::string(trim(outcome->output));
  return fail(ErrorCode::kProgramFailed, std::string(trim(outcome->error)));
}

}  // namespace nimbus::project
