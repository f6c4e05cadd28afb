#include "project/git_checkout.h"

#include <system_error>
#include <utility>
#include <vector>

#include "base/text.h"

namespace nimbus::project {

namespace {

namespace fs = std::filesystem;

// How git is run for one repository.
struct Git {
  ProcessRunner& runner;
  bool interactive;
  const std::stop_token& stop;

  // What it writes. The last lines that git writes as errors say what is wrong.
  [[nodiscard]] Result<std::string> run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "git");
    const Result<ProcessOutcome> outcome =
        runner.run({.arguments = std::move(arguments),
                    // No transport that runs a program of the URL's choice.
                    .environment = {{"GIT_ALLOW_PROTOCOL", "file:git:http:https:ssh"},
                                    {"GIT_TERMINAL_PROMPT", interactive ? "1" : "0"}},
                    .stop = stop});
    if (!outcome) {
      if (outcome.error().code() != ErrorCode::kNotFound) return std::unexpected(outcome.error());
      return fail(ErrorCode::kNotFound, "repositories need git: apt-get install git");
    }
    if (outcome->ok()) return std::string(trim(outcome->output));
    return fail(ErrorCode::kInvalidArgument, std::string(trim(outcome->error)));
  }
};

}  // namespace

Result<GitCheckout> GitCheckout::clone(const GitSource& source, ProcessRunner& runner,
                                       bool interactive, const std::stop_token& stop) {
  if (source.ref.starts_with('-'))
    return fail(ErrorCode::kInvalidArgument, source.ref + " is not a branch, tag or commit");
  TRY(TemporaryFolder temporary, TemporaryFolder::make("wash-"));
  const std::string clone = (temporary.path() / "clone").string();
  const Git git{runner, interactive, stop};
  std::vector<std::string> arguments = {"clone", "--quiet"};
  // With a commit's name in hand all of the history may be needed.
  if (source.ref.empty()) arguments.emplace_back("--depth=1");
  arguments.insert(arguments.end(), {"--", source.url, clone});
  TRY_VOID(git.run(std::move(arguments)));
  if (!source.ref.empty()) {
    TRY_VOID(git.run({"-C", clone, "checkout", "--quiet", source.ref, "--"}));
  }
  TRY(std::string commit, git.run({"-C", clone, "rev-parse", "HEAD"}));
  return GitCheckout(std::move(temporary), clone, std::move(commit));
}

}  // namespace nimbus::project
