#include "wash/project/new_finish.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

#include "base/escape.h"
#include "project/config.h"
#include "project/language_builder.h"
#include "wash/project/project_builder.h"
#include "wash/terminal/ask.h"

namespace nimbus::wash {
namespace {

namespace fs = std::filesystem;

// Of the new folder and of the user: a configuration above it is not the template's.
Result<project::ProjectConfig> configOf(const std::string& folder, const std::string& user_file) {
  const project::Project found{
      .folder = folder,
      .config_file = project::findConfigFile((fs::path(folder) / project::kConfigFolder).string())};
  TRY(project::LoadedConfig loaded, project::loadProjectConfig(found, {}, user_file));
  return std::move(loaded.config);
}

Result<bool> agrees(const FinishRequest& request, const std::string& command) {
  if (request.consent) return true;
  if (!request.interactive) return false;
  const std::string shown = escaped(command);
  return askConsent(
      fmt::format("The template wants to run: {}\nRun it in {}?", shown, request.folder),
      request.stop);
}

Result<void> runCommand(const FinishRequest& request, const std::string& command,
                        ProcessRunner& runner) {
  ProcessSpec spec{.arguments = {"sh", "-c", command}, .folder = request.folder};
  spec.stop = request.stop;
  spec.sink = [](ProcessStream, std::string_view chunk) {
    std::fwrite(chunk.data(), 1, chunk.size(), stderr);
  };
  TRY(const ProcessOutcome outcome, runner.run(spec));
  if (outcome.ok()) return {};
  return fail(ErrorCode::kProgramFailed,
              fmt::format("{} is made, but its new.command failed with status {}", request.folder,
                          outcome.exit_status));
}

// What is missing to build it, as the builder says it.
void addMissingTools(const FinishRequest& request, const project::ProjectConfig& config,
                     ProcessRunner& runner, FinishedProject& finished) {
  if (!config.build.command.empty()) return;
  const auto builder = project::findBuilder(request.folder, config.build);
  if (!builder) return;
  const project::BuildRequest build{.folder = request.folder,
                                    .config = config,
                                    .path_variable = processPath(),
                                    .wash = ownProgram(),
                                    .stop = request.stop};
  const project::Toolbox tools(runner, project::toolPath(build), build.folder, build.stop);
  const auto plan =
      (*builder)->plan({.request = build,
                        .tools = tools,
                        .folder = build.folder,
                        .output = project::expectedComponentPath(build.folder, config)});
  if (!plan) finished.notes.push_back(plan.error().describe());
}

}  // namespace

Result<FinishedProject> finishProject(const FinishRequest& request, ProcessRunner& runner) {
  FinishedProject finished;
  TRY(const project::ProjectConfig config, configOf(request.folder, request.user_file));
  const std::string& command = config.new_project.command;
  if (!command.empty()) {
    TRY(const bool agreed, agrees(request, command));
    if (agreed) {
      TRY_VOID(runCommand(request, command, runner));
      finished.command_run = true;
    } else {
      finished.notes.push_back(
          fmt::format("its new.command was not run: (cd {} && {})", request.folder, command));
    }
  }
  addMissingTools(request, config, runner, finished);
  return finished;
}

namespace {

// As somebody would type it in the shell that `wash new` was started by, which -C has not moved.
std::string typedPath(const std::string& folder) {
  const char* here = std::getenv("PWD");
  const std::string relative =
      fs::path(folder).lexically_relative(here == nullptr ? "" : here).string();
  const bool below = !relative.empty() && !relative.starts_with("..");
  const std::string& path = below ? relative : folder;
  const bool plain = std::ranges::none_of(
      path, [](char c) { return std::string_view(" \t\n\"'\\$`&|;<>()*?[]#~!{}").contains(c); });
  return plain ? path : fmt::format("'{}'", path);
}

std::string nextStep(const std::string& folder, const project::Template& contents) {
  std::string text = "next: cd " + typedPath(folder);
  if (!contents.info.next.empty()) return text + " && " + contents.info.next;
  const bool explained = std::ranges::any_of(
      contents.files, [](const project::TemplateFile& file) { return file.path == "README.md"; });
  return text + (explained ? ", and read README.md" : "");
}

}  // namespace

std::string createdText(const std::string& name, const std::string& folder,
                        const ChosenTemplate& chosen, const FinishedProject& finished) {
  const project::TemplateInfo& info = chosen.contents.info;
  const std::string source = chosen.repository.empty()
                                 ? fmt::format("{} ({})", info.name, info.language)
                                 : chosen.repository;
  std::string text = fmt::format("made {} from {} in {}", name, source, folder);
  if (!info.verified) text += "\nnote: this template is not verified in our tests";
  for (const std::string& note : finished.notes) {
    text += "\nnote: ";
    appendEscaped(text, note);
  }
  text += '\n';
  appendEscaped(text, nextStep(folder, chosen.contents));
  return text;
}

std::vector<DataField> createdFields(const std::string& name, const std::string& folder,
                                     const ChosenTemplate& chosen,
                                     const FinishedProject& finished) {
  const project::TemplateInfo& info = chosen.contents.info;
  const auto orNull = [](const std::string& text) {
    return text.empty() ? std::string("null") : jsonText(text);
  };
  return {{"name", jsonText(name)},
          {"template", orNull(info.name)},
          {"language", orNull(info.language)},
          {"repository", orNull(chosen.repository)},
          {"subfolder", orNull(chosen.subfolder)},
          {"output_dir", jsonText(folder)},
          {"verified", info.verified ? "true" : "false"},
          {"command_run", finished.command_run ? "true" : "false"},
          {"notes", jsonList(finished.notes)}};
}

}  // namespace nimbus::wash
