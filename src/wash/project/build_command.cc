// `wash build [PROJECT]`.

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include "base/escape.h"
#include "project/build.h"
#include "project/config.h"
#include "wash/command.h"
#include "wash/input/given_arguments.h"
#include "wash/input/project_input.h"
#include "wash/project/build_report.h"
#include "wash/project/project_builder.h"
#include "wash/terminal/interrupt.h"

namespace nimbus::wash {
namespace {

constexpr std::string_view kProjectPathKey = "build.project_path";
constexpr std::string_view kComponentPathKey = "build.component_path";
constexpr std::string_view kProgramPathKey = "build.program_path";

struct BuildFlags {
  std::string project;                 // or the first word after "--"
  std::vector<std::string> arguments;  // the rest
  std::string component_path;
  bool release = false;
  bool debug = false;
  bool skip_fetch = false;
};

std::vector<project::ConfigFlag> configFlags(const BuildFlags& flags) {
  std::vector<project::ConfigFlag> config;
  if (flags.skip_fetch) config.push_back({"wit.skip_fetch", "true", "--skip-fetch"});
  if (!flags.component_path.empty()) {
    config.push_back({"build.component_path", flags.component_path, "--component-path"});
  }
  return config;
}

// What the positional arguments say.
struct BuildWords {
  std::string folder = ".";
  std::vector<std::string> arguments;
};

BuildWords wordsOf(const BuildFlags& flags, std::size_t trailing) {
  std::vector<std::string> all;
  if (!flags.project.empty()) all.push_back(flags.project);
  all.insert(all.end(), flags.arguments.begin(), flags.arguments.end());
  const auto last = all.end() - static_cast<std::ptrdiff_t>(std::min(trailing, all.size()));
  if (last - all.begin() > 1) {
    throw CLI::ValidationError("PROJECT", "there can be only one; arguments follow --");
  }
  BuildWords words{.arguments = {last, all.end()}};
  if (last != all.begin()) words.folder = all.front();
  return words;
}

Result<project::BuildRequest> requestOf(const BuildFlags& flags, const std::string& folder,
                                        const GlobalOptions& global) {
  TRY(project::BuildRequest request, buildRequestFor(folder, configFlags(flags), global));
  request.program_is_welcome = true;
  if (flags.release) request.profile = project::BuildProfile::kRelease;
  if (flags.debug) request.profile = project::BuildProfile::kDebug;
  return request;
}

int runBuild(const BuildFlags& flags, const BuildWords& words, const GlobalOptions& global,
             plugin::HookContext& context) {
  const Interrupt interrupt;
  const std::string folder = context.get(kProjectPathKey).value_or(words.folder);
  auto request = requestOf(flags, folder, global);
  if (!request) return reportFailure(global.format, request.error(), interrupt);
  request->arguments = words.arguments;
  const auto outcome = buildOnTerminal(*request, interrupt);
  if (!outcome) return reportFailure(global.format, outcome.error(), interrupt);
  const auto key =
      outcome->product == project::BuildProduct::kProgram ? kProgramPathKey : kComponentPathKey;
  if (const auto kept = context.set(key, outcome->component_path); !kept) {
    return reportFailure(global.format, kept.error(), interrupt);
  }
  printResult(global.format, buildText(*outcome, global.verbose),
              buildFields(*outcome, request->folder));
  return kExitOk;
}

void addBuildFlags(CLI::App& command, BuildFlags& flags) {
  command.add_option("project", flags.project, "The project's folder, else this one")
      ->option_text("[PROJECT]");
  command.add_option("arguments", flags.arguments, "Arguments of the tool that builds, after --")
      ->option_text("[-- ARGUMENT ...]");
  CLI::Option* release = command.add_flag("--release", flags.release, "Optimize (the default)");
  command.add_flag("--debug", flags.debug, "Build with debug information")->excludes(release);
  command.add_flag("--skip-fetch", flags.skip_fetch, "Leave the dependencies in wit/ as they are");
  command
      .add_option("--component-path", flags.component_path,
                  "Where the component is, or is put; else build.component_path")
      ->option_text("FILE");
}

}  // namespace

void addBuildCommand(CLI::App& app, const GlobalOptions& global, Action& action) {
  CLI::App* command =
      app.add_subcommand("build", "Build the component of a project with its own tools");
  auto flags = std::make_shared<BuildFlags>();
  addBuildFlags(*command, *flags);
  command->callback([flags, &global, &action] {
    std::error_code error;
    const BuildWords words = wordsOf(*flags, global.trailing);
    const std::string folder =
        std::filesystem::absolute(words.folder, error).lexically_normal().string();
    Action::Inputs inputs{{std::string(kProjectPathKey), folder}};
    putProject(folder, inputs);
    // The parser cannot tell the project from the first argument of the tool.
    inputs[argumentKey("project")] = words.folder;
    if (!words.arguments.empty()) inputs[argumentKey("arguments")] = argumentText(words.arguments);
    action.set("build", std::move(inputs), [flags, words, &global](plugin::HookContext& context) {
      return runBuild(*flags, words, global, context);
    });
  });
}

}  // namespace nimbus::wash
