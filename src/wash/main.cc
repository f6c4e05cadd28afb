// The command line: global options, and one sub-command per file.

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include <CLI/CLI.hpp>

#include "engine/engine.h"
#include "net/address.h"
#include "net/descriptors.h"
#include "wash/command.h"
#include "wash/flags/flag_check.h"
#include "wash/help/help.h"
#include "wash/help/usage_error.h"
#include "wash/input/given_arguments.h"
#include "wash/output/lack_of_threads.h"
#include "wash/output/version.h"
#include "wash/plugins/plugin_commands.h"
#include "wash/plugins/plugins.h"

namespace nimbus::wash {
namespace {

void addGlobalOptions(CLI::App& app, GlobalOptions& global) {
  addChoice(app, "-o,--output", global.format, "How results are printed: text (or plain), json",
            {{"text", OutputFormat::kText},
             {"plain", OutputFormat::kText},
             {"json", OutputFormat::kJson}});
  addChoice(app, "-l,--log-level", global.log_level, "The least that is logged",
            {{"trace", LogLevel::kTrace},
             {"debug", LogLevel::kDebug},
             {"info", LogLevel::kInfo},
             {"warn", LogLevel::kWarn},
             {"error", LogLevel::kError},
             {"off", LogLevel::kOff}})
      ->envname("WASH_LOG_LEVEL");
  addChoice(app, "--log-format", global.log_format, "How the log is written: text or json",
            {{"text", LogFormat::kText}, {"json", LogFormat::kJson}})
      ->envname("WASH_LOG_FORMAT");
}

void enterFolder(const std::string& folder) {
  if (::chdir(folder.c_str()) != 0) {
    throw CLI::ValidationError("-C", folder + ": " + std::strerror(errno));
  }
}

void addProjectOptions(CLI::App& app, GlobalOptions& global) {
  app.add_option_function<std::string>("-C", enterFolder, "Work as if started in this folder")
      ->option_text("DIR");
  app.add_flag("--non-interactive", global.non_interactive,
               "Ask nothing: questions get their safe answer, or are errors")
      ->envname("WASH_NON_INTERACTIVE");
  app.add_flag("--verbose", global.verbose, "More detail");
  app.add_option("--user-config", global.user_config,
                 "The user's configuration file, instead of the one in ~/.config/wash")
      ->option_text("FILE");
}

void addPluginOptions(CLI::App& app, GlobalOptions& global) {
  app.add_option(
         "--allow", global.allow,
         "What a plugin may do without being asked about: \"NAME:program PROGRAM [PATTERN]\", "
         "\"NAME:host HOST\", \"NAME:read FOLDER\", \"NAME:write FOLDER\", \"NAME:env VARIABLE\", "
         "\"NAME:declared\"")
      ->option_text("RULE ...")
      ->allow_extra_args(false);
  app.add_flag("--allow-shell", global.allow_shell,
               "Plugins may run shells and interpreters, if that is agreed to");
  app.add_option("--plugin-address", global.plugin_address,
                 "Where a plugin that serves HTTP does so while its command runs; port 0 takes a "
                 "free one")
      ->check(acceptedBy(net::Endpoint::parse))
      ->option_text("ADDRESS:PORT (default 127.0.0.1:8888)");
}

// The parser asks for the version while it reads values: one that cannot be is wrong beside that
// question too, as it is beside --help.
void readValues(CLI::App& app) {
  for (CLI::Option* option : app.get_options())
    if (!option->empty() && !option->get_callback_run()) option->run_callback();
  for (CLI::App* command : app.get_subcommands()) readValues(*command);
}

// Words that plugins must leave alone: those of this version, and those that are kept for it.
std::vector<std::string> reservedWords(const CLI::App& app) {
  std::vector<std::string> words{"build",  "completion", "config",  "dev", "docker",
                                 "doctor", "help",       "inspect", "new", "oci",
                                 "plugin", "update",     "upgrade", "wit"};
  for (const CLI::App* command : app.get_subcommands({})) {
    words.push_back(command->get_name());
    for (const std::string& alias : command->get_aliases()) words.push_back(alias);
  }
  return words;
}

std::size_t trailingArguments(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--") return static_cast<std::size_t>(argc - i - 1);
  }
  return 0;
}

// Also of those that are left out: they can be removed.
std::vector<std::string> namesOf(const Plugins& plugins) {
  std::vector<std::string> names;
  for (const plugin::InstalledPlugin& each : plugins.installed())
    names.push_back(each.plugin.name());
  for (const plugin::PluginStore::Problem& problem : plugins.problems())
    if (!problem.plugin.empty()) names.push_back(problem.plugin);
  return names;
}

int run(int argc, char** argv) {
  CLI::App app{"Nimbus: builds, runs and hosts WebAssembly components", "wash"};
  app.formatter(helpFormatter());
  app.set_version_flag("-V,--version", [&app] {
    readValues(app);
    return versionText();
  });
  app.require_subcommand(1);
  app.fallthrough();
  GlobalOptions global;
  global.trailing = trailingArguments(argc, argv);
  addGlobalOptions(app, global);
  addProjectOptions(app, global);
  addPluginOptions(app, global);
  Action action;
  Plugins plugins(global);
  const PluginCommandParts parts{plugins, global, action, {argv + 1, argv + argc}};
  addNewCommand(app, global, action);
  addBuildCommand(app, global, action);
  addRunCommand(app, global, action);
  addDevCommand(app, global, action, plugins);
  addInspectCommand(app, global, action);
  addConfigCommand(app, global, action);
  addDoctorCommand(app, parts);
  addCompletionCommand(app, global, action);
  addHelpCommand(app, global, action);
  addBindgenCommand(app, global, action);
  addWitCommand(app, global, action);
  addHostCommand(app, global, action);
  addWorkloadCommand(app, global, action);
  addProviderCommand(app, global, action);
  addOciCommand(app, global, action);
  addUpdateCommand(app, global, action);
  addPluginCommand(app, parts);
  plugins.reserve(reservedWords(app));
  addPluginWords(app, parts);
  if (const auto answered = answerAboutItself(app, namesOf(plugins), argc, argv)) return *answered;
  if (const auto status = readWords(app, parts.line, formatAskedFor(parts.line))) {
    // What was typed may be a command of one of these.
    if (*status != kExitOk) plugins.warnOfProblems();
    return *status;
  }
  if (::isatty(STDIN_FILENO) == 0) global.non_interactive = true;
  return plugins.perform(withArguments(action, app));
}

}  // namespace
}  // namespace nimbus::wash

int main(int argc, char** argv) {
  nimbus::net::reserveStandardDescriptors();
  nimbus::wash::explainLackOfThreads();
  // Then a write fails instead: its place knows what to do.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  return nimbus::wash::finishOutput(nimbus::wash::run(argc, argv));
}
