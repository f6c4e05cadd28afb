// `wash config …`: writes, shows, checks and cleans up.

#include <array>
#include <filesystem>
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/files.h"
#include "dev/plan_support.h"
#include "project/cleanup.h"
#include "project/config.h"
#include "project/config_reference.h"
#include "project/config_text.h"
#include "project/directories.h"
#include "wash/command.h"
#include "wash/flags/engine_flags.h"
#include "wash/flags/flag_check.h"
#include "wash/setup/config_file.h"
#include "wash/terminal/ask.h"
#include "wash/terminal/interrupt.h"

namespace nimbus::wash {
namespace {

namespace fs = std::filesystem;
using project::ConfigFormat;

struct ConfigFlags {
  bool force = false;
  bool example = false;
  bool user = false;
  ConfigFormat format = ConfigFormat::kYaml;
  std::string file;
  bool cache = false;
  bool data = false;
  bool all = false;
  bool dry_run = false;
  bool yes = false;
};

Result<std::string> folderOfNew(const ConfigFlags& flags) {
  if (!flags.user) return absolutePath(std::string(project::kConfigFolder));
  TRY(const project::Directories folders, project::findDirectories(project::processVariables()));
  return folders.config;
}

int init(const ConfigFlags& flags, const GlobalOptions& global) {
  const auto folder = folderOfNew(flags);
  if (!folder) return reportFailure(global.format, folder.error());
  const auto what = flags.example ? NewConfig::kExample : NewConfig::kMinimal;
  const auto overwrite = flags.force ? Overwrite::kYes : Overwrite::kNo;
  const auto written = writeNewConfig(*folder, flags.format, what, overwrite);
  if (!written) return reportFailure(global.format, written.error());
  printResult(global.format, "wrote " + *written, {{"config_path", jsonText(*written)}});
  return kExitOk;
}

int info(const ConfigFlags&, const GlobalOptions& global) {
  const auto folders = project::findDirectories(project::processVariables());
  if (!folders) return reportFailure(global.format, folders.error());
  const project::Project project = currentProject();
  const std::string user_file = userConfigFile(global, *folders);
  const std::vector<std::array<std::string, 3>> rows = {
      {"version", "wash version", NIMBUS_VERSION},
      {"data_dir", "Data folder", folders->data},
      {"cache_dir", "Cache folder", folders->cache},
      {"plugin_dir", "Plugin folder", folders->plugins},
      {"user_config_dir", "User's configuration folder", folders->config},
      {"user_config_path", "User's configuration", user_file},
      {"project_path", "Project", project.folder},
      {"project_config_path", "Project's configuration", projectConfigFile(project)},
      // As `wash` 1 named them.
      {"config_dir", "", folders->config},
      {"config_path", "", projectConfigFile(project)},
  };
  std::string text;
  std::vector<DataField> data;
  for (const auto& [key, label, value] : rows) {
    if (!label.empty()) text += fmt::format("{}{}: {}", text.empty() ? "" : "\n", label, value);
    data.emplace_back(key, jsonText(value));
  }
  printResult(global.format, text, data);
  return kExitOk;
}

void warn(const std::vector<project::ConfigProblem>& warnings) {
  for (const project::ConfigProblem& warning : warnings)
    fmt::print(stderr, "warning: {}\n", warning.describe());
}

// With --verbose also the defaults, and where each value comes from.
int show(const ConfigFlags&, const GlobalOptions& global) {
  const auto loaded = project::loadProjectConfig(currentProject(), {}, global.user_config);
  if (!loaded) return reportFailure(global.format, loaded.error());
  warn(loaded->warnings);
  const host::YamlNode values =
      project::withoutSecrets(global.verbose ? project::withDefaults(*loaded) : loaded->given);
  project::Note note;
  if (global.verbose)
    note = [&](const std::string& key) { return loaded->originOf(key).describe(); };

  std::vector<DataField> data;
  for (const host::YamlEntry& entry : values.entries)
    data.emplace_back(entry.key, project::jsonOf(entry.value));
  std::string origins = "{";
  for (const auto& [key, origin] : loaded->origins)
    origins += (origins.size() == 1 ? "" : ",") + jsonText(key) + ":" + jsonText(origin.describe());
  if (global.verbose) data.emplace_back("origins", origins + "}");
  std::string text = project::writeConfig(values, ConfigFormat::kYaml, note);
  text.pop_back();  // the last line break is printed with it
  printResult(global.format, global.format == OutputFormat::kJson ? "configuration" : text, data);
  return kExitOk;
}

std::string listOf(const std::vector<project::ConfigProblem>& problems) {
  return jsonArray(problems, [](const auto& problem) { return jsonText(problem.describe()); });
}

// What is right for others, and not for this program.
void addUnsupported(project::ConfigCheck& check) {
  if (!check.errors.empty()) return;
  for (const Error& error : dev::unsupportedKeys(check.loaded))
    check.warnings.push_back(
        {.where = "", .line = 0, .message = error.message() + "; wash dev refuses it"});
}

int validate(const ConfigFlags& flags, const GlobalOptions& global) {
  project::ConfigSources sources;
  if (flags.file.empty()) {
    sources = project::standardSources(currentProject(), global.user_config);
  } else {
    const auto file = absolutePath(flags.file);
    if (!file) return reportFailure(global.format, file.error());
    sources.project_file = fs::path(*file).lexically_normal().string();
  }
  project::ConfigCheck check = project::checkConfig(sources);
  addUnsupported(check);
  std::string source;
  for (const std::string& file : {sources.user_file, sources.project_file})
    if (!file.empty()) source += (source.empty() ? "" : ", ") + file;
  if (source.empty()) source = "no file: defaults and variables";

  const bool valid = check.errors.empty();
  const std::string message = valid ? fmt::format("the configuration is valid ({})", source)
                                    : fmt::format("{} in {}", describeCount(check.errors), source);
  if (global.format == OutputFormat::kJson) {
    printOutput(resultLine(valid, message,
                           {{"source", jsonText(source)},
                            {"valid", valid ? "true" : "false"},
                            {"errors", listOf(check.errors)},
                            {"warnings", listOf(check.warnings)}}));
    return valid ? kExitOk : kExitFailed;
  }
  warn(check.warnings);
  for (const project::ConfigProblem& problem : check.errors)
    fmt::print(stderr, "error: {}\n", problem.describe());
  if (valid) printResult(global.format, message, {});
  return valid ? kExitOk : kExitFailed;
}

std::string describe(const project::CleanupEntry& entry, bool dry_run) {
  if (!entry.existed) return fmt::format("no {} folder: {}", entry.target.kind, entry.target.path);
  return fmt::format("{} {} folder: {} ({})", dry_run ? "would delete" : "deleted",
                     entry.target.kind, entry.target.path,
                     entry.bytes ? project::sizeText(*entry.bytes) : "size unknown");
}

std::string jsonOf(const project::CleanupEntry& entry, bool dry_run) {
  const std::string_view action = entry.existed ? dry_run ? "would remove" : "removed"
                                  : dry_run     ? "would skip (missing)"
                                                : "skipped (missing)";
  return fmt::format(
      R"({{"kind":{},"path":{},"existed":{},"action":{},"size_bytes":{},"size_human":{}}})",
      jsonText(entry.target.kind), jsonText(entry.target.path), entry.existed, jsonText(action),
      entry.bytes ? std::to_string(*entry.bytes) : "null",
      entry.bytes ? jsonText(project::sizeText(*entry.bytes)) : "null");
}

// What cannot be made again is deleted only if its owner says so. False: it is not to be.
Result<bool> agreedTo(const ConfigFlags& flags, const std::string& data_folder,
                      const GlobalOptions& global, const std::stop_token& stop) {
  if (flags.dry_run || flags.yes || !(flags.data || flags.all)) return true;
  const std::string what =
      fmt::format("{}, with plugins and all that they and wash dev have stored", data_folder);
  if (global.non_interactive)
    return fail(
        ErrorCode::kPermissionDenied,
        fmt::format("nobody can be asked whether to delete {}: --yes does it unasked", what));
  return askConsent(fmt::format("delete {}?", what), stop);
}

int cleanup(const ConfigFlags& flags, const GlobalOptions& global) {
  const Interrupt interrupt;
  const auto folders = project::findDirectories(project::processVariables());
  if (!folders) return reportFailure(global.format, folders.error());
  const auto agreed = agreedTo(flags, folders->data, global, interrupt.token());
  if (!agreed) return reportFailure(global.format, agreed.error(), interrupt);
  if (!*agreed)
    return reportFailure(global.format, Error(ErrorCode::kCancelled, "nothing deleted"));
  std::vector<project::CleanupTarget> targets;
  if (flags.cache || flags.all) {
    targets.push_back({"cache", folders->cache});
    // Shared with wash run and wash host, so it has a place of its own.
    if (std::string code = defaultCodeCacheFolder(); !code.empty())
      targets.push_back({"code", std::move(code)});
  }
  if (flags.data || flags.all) targets.push_back({"data", folders->data});
  const auto mode = flags.dry_run ? project::Cleanup::kOnlyCount : project::Cleanup::kRemove;
  const auto entries = project::cleanUp(targets, mode);
  if (!entries) return reportFailure(global.format, entries.error());

  std::uint64_t total = 0;
  std::string text;
  for (const project::CleanupEntry& entry : *entries) {
    total += entry.bytes.value_or(0);
    text += describe(entry, flags.dry_run) + "\n";
  }
  const std::string size = project::sizeText(total);
  text += fmt::format("{} in total", size);
  printResult(global.format, text,
              {{"dry_run", flags.dry_run ? "true" : "false"},
               {"entries", jsonArray(*entries,
                                     [&](const project::CleanupEntry& entry) {
                                       return jsonOf(entry, flags.dry_run);
                                     })},
               {"total_bytes", std::to_string(total)},
               {"total_human", jsonText(size)}});
  return kExitOk;
}

int reference(const ConfigFlags&, const GlobalOptions& global) {
  const std::string page = project::configReference();
  if (global.format == OutputFormat::kJson) {
    printResult(global.format, "the reference of the configuration",
                {{"markdown", jsonText(page)}});
  } else {
    printOutput(page);
  }
  return kExitOk;
}

using Step = int (*)(const ConfigFlags&, const GlobalOptions&);

struct Parts {
  CLI::App& config;
  const std::shared_ptr<ConfigFlags>& flags;
  const GlobalOptions& global;
  Action& action;
};

CLI::App* addStep(const Parts& parts, const char* name, const char* help, Step step) {
  CLI::App* command = parts.config.add_subcommand(name, help);
  command->callback(
      [name, flags = parts.flags, &global = parts.global, &action = parts.action, step] {
        action.set(std::string("config ") + name,
                   [flags, &global, step] { return step(*flags, global); });
      });
  return command;
}

void addInit(const Parts& parts) {
  ConfigFlags& flags = *parts.flags;
  CLI::App* command =
      addStep(parts, "init", "Write a configuration file for the project in this folder", init);
  command->add_flag("--force", flags.force, "Replace a file that is there");
  command->add_flag("--example", flags.example, "With a value in every section");
  command->add_flag("--global", flags.user, "Write the user's file instead");
  addChoice(*command, "--format", flags.format, "The format of the file",
            {{"yaml", ConfigFormat::kYaml},
             {"json", ConfigFormat::kJson},
             {"toml", ConfigFormat::kToml}});
}

void addCleanup(const Parts& parts) {
  ConfigFlags& flags = *parts.flags;
  CLI::App* command = addStep(parts, "cleanup", "Delete what wash keeps for this user", cleanup);
  CLI::Option_group* what = command->add_option_group("what");
  what->add_flag("--cache", flags.cache, "The caches: compiled code, pulled images");
  what->add_flag("--data", flags.data, "The data: plugins, and what they and wash dev stored");
  what->add_flag("--all", flags.all, "All of that");
  what->require_option(1, 0);
  command->add_flag("--dry-run", flags.dry_run, "Only say what would be deleted");
  command->add_flag("-y,--yes", flags.yes, "Delete data without asking");
}

}  // namespace

void addConfigCommand(CLI::App& app, const GlobalOptions& global, Action& action) {
  CLI::App* config = app.add_subcommand("config", "Show, check and write configuration");
  config->require_subcommand(1);
  const auto flags = std::make_shared<ConfigFlags>();
  const Parts parts{*config, flags, global, action};
  addInit(parts);
  addStep(parts, "info", "Show the version and the folders that wash uses", info);
  addStep(parts, "show",
          "Show the configuration of this project; with --verbose also defaults and origins", show);
  CLI::App* check =
      addStep(parts, "validate", "Check the configuration, and name each mistake", validate);
  check->add_option("--file", flags->file, "Check this file instead")->option_text("FILE");
  addCleanup(parts);
  addStep(parts, "reference", "Write the reference page of all keys", reference)->group("");
}

}  // namespace nimbus::wash
