#include "wash/plugins/plugins.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <utility>

#include "base/running_programs.h"
#include "net/watch.h"
#include "plugin/hook_runner.h"
#include "project/config.h"
#include "project/named_project.h"
#include "wash/flags/engine_flags.h"
#include "wash/input/project_input.h"
#include "wash/plugins/data_folder.h"
#include "wash/terminal/interrupt.h"
#include "wash/terminal/status_line.h"
#include "wash/terminal/terminal_consent.h"

namespace nimbus::wash {
namespace {

constexpr std::uint64_t kPluginMemoryBytes = 2ULL << 30;

// Of a command that waits for no signals itself: it may stand where nobody reads what it prints.
constexpr std::chrono::seconds kInterruptBound(5);

// The command by which the user looks into, or gets rid of, this very plugin: its own hooks must
// not be able to stop that.
bool isAbout(const Action& action, const plugin::Plugin& plugin) {
  if (action.name() != "plugin uninstall" && action.name() != "plugin info" &&
      action.name() != "plugin revoke") {
    return false;
  }
  const auto name = action.inputs().find("name");
  return name != action.inputs().end() && name->second == plugin.name();
}

std::vector<plugin::Plugin> pluginsFor(const Action& action,
                                       const std::vector<plugin::InstalledPlugin>& installed) {
  std::vector<plugin::Plugin> all;
  for (const auto& each : installed)
    if (!isAbout(action, each.plugin)) all.push_back(each.plugin);
  return all;
}

// Commands by which a user finds what is wrong with the configuration, or gets rid of a plugin:
// they go on without one that cannot be read.
bool managesWithoutConfiguration(const std::string& command) {
  constexpr std::array<std::string_view, 7> kCommands{
      "doctor",           "help",         "completion", "plugin list", "plugin info",
      "plugin uninstall", "plugin revoke"};
  return command.starts_with("config ") || std::ranges::find(kCommands, command) != kCommands.end();
}

// Commands that take something away from plugins: no plugin can stop them, nor two each other's
// removal.
plugin::HookRunner::Failure failureOfHooksBefore(const std::string& command) {
  constexpr std::array<std::string_view, 4> kCommands{"plugin uninstall", "plugin revoke",
                                                      "plugin repair", "config cleanup"};
  using Failure = plugin::HookRunner::Failure;
  return std::ranges::find(kCommands, command) == kCommands.end() ? Failure::kStops
                                                                  : Failure::kWarns;
}

// A signal ends the one that runs, however long it takes to end.
Result<void> performHooksBefore(plugin::HookRunner& hooks, const Action& action,
                                plugin::HookContext& context) {
  const Interrupt interrupt;
  return hooks.before(context, failureOfHooksBefore(action.name()));
}

// The hooks that come first, and the command unless they stop it. A signal does so too, as long as
// it has not begun; later it ends the command as that command ends by signals.
int performBehindHooks(plugin::HookRunner& hooks, const Action& action,
                       plugin::HookContext& context, OutputFormat format) {
  Interrupt interrupt(kInterruptBound);
  const auto done = performHooksBefore(hooks, action, context);
  if (!done) return reportFailure(format, done.error(), interrupt);
  if (interrupt.received()) return reportInterrupted(format, interrupt);
  const int status = action.perform(context);
  interrupt.end();
  // Of one that was done sooner than it could have been broken off the result has been told.
  return interrupt.leftToThis() ? reportInterrupted(OutputFormat::kText, interrupt) : status;
}

// All hooks that follow a command with that status; a signal ends the one that runs, and is what
// those behind it are told. Returns the status of the process.
int performHooksBehind(plugin::HookRunner& hooks, plugin::HookContext& context, int told) {
  int status = told;
  for (const plugin::Plugin& plugin : hooks.following()) {
    Interrupt interrupt;
    if (const auto done = hooks.after(plugin, context, told); !done) {
      // The command's own result stands on standard output already.
      static_cast<void>(reportFailure(OutputFormat::kText, done.error()));
      if (status == kExitOk) status = kExitFailed;
    }
    interrupt.end();
    if (interrupt.received()) status = told = reportInterrupted(OutputFormat::kText, interrupt);
  }
  return status;
}

plugin::PluginConfiguration configurationOf(const project::PluginSettings& settings) {
  plugin::PluginConfiguration configured;
  for (const auto& [name, values] : settings.config)
    configured[name] = {values.begin(), values.end()};
  return configured;
}

}  // namespace

Plugins::Plugins(const GlobalOptions& global)
    : global_(global), store_(pluginsFolder()), listing_(store_.list()) {}
Plugins::~Plugins() = default;

Result<std::vector<plugin::AllowRule>> Plugins::rules(
    const project::PluginSettings& settings) const {
  std::vector<plugin::AllowRule> rules;
  for (const auto* texts : {&global_.allow, &settings.allow}) {
    for (const std::string& text : *texts) {
      TRY(plugin::AllowRule rule, plugin::parseAllowRule(text));
      rules.push_back(std::move(rule));
    }
  }
  return rules;
}

Result<plugin::PermissionOptions> Plugins::permissionOptions(
    const project::PluginSettings& settings, const std::string& folder) const {
  plugin::PermissionOptions options;
  TRY(options.allow, rules(settings));
  options.allow_shell = global_.allow_shell;
  const char* path = std::getenv("PATH");
  if (path != nullptr) options.path_variable = path;
  options.project_folder = folder;
  return options;
}

Result<project::LoadedConfig> Plugins::configuration(const std::string& folder) const {
  auto config = project::loadProjectConfig(project::namedProject(folder), {}, global_.user_config);
  if (config || !manages_without_configuration_) return config;
  makeStderrLogger(global_.log_level, global_.log_format)
      ->warn("plugins run without their configuration: " + config.error().describe());
  return project::LoadedConfig();
}

Result<plugin::PluginRuntime*> Plugins::runtime() {
  if (runtime_) return runtime_.get();
  plugin::PluginRuntimeOptions options;
  std::error_code error;
  const std::string folder = std::filesystem::canonical(folder_, error).string();
  if (error) return failErrno(folder_, error.value());
  TRY(const project::LoadedConfig config, configuration(folder));
  options.configured = configurationOf(config.config.plugins);
  TRY(options.permissions, permissionOptions(config.config.plugins, folder));
  options.engine = engineOptionsOf({});
  options.engine.max_total_memory_bytes =
      std::min(options.engine.max_total_memory_bytes, kPluginMemoryBytes);
  options.plugins_folder = store_.folder();
  TRY(options.http_address, net::Endpoint::parse(global_.plugin_address));
  options.keep_output_clean = global_.format == OutputFormat::kJson;
  options.stop = [] { return Interrupt::current(); };
  options.compiling = [](const std::string& name) {
    return std::make_shared<StatusLine>("Compiling plugin " + name);
  };
  log_.emplace(makeStderrLogger(global_.log_level, global_.log_format));
  plugin::Consent* consent = &nobody_;
  if (!global_.non_interactive) {
    terminal_ =
        std::make_unique<TerminalConsent>(STDIN_FILENO, std::cerr, TerminalConsent::endsColours());
    consent = terminal_.get();
  }
  endProgramsOnSignals();
  runtime_ =
      std::make_unique<plugin::PluginRuntime>(std::move(options), runner_, *consent, *log_, clock_);
  return runtime_.get();
}

Result<void> Plugins::configure(const project::PluginSettings& settings) {
  TRY(std::vector<plugin::AllowRule> allow, rules(settings));
  runtime_->configure(std::move(allow), configurationOf(settings));
  return {};
}

void Plugins::refuseQuestions() {
  if (terminal_) terminal_->refuse();
}

void Plugins::askAgain() {
  if (terminal_) terminal_->askAgain();
}

void Plugins::warnOfProblems() const {
  if (listing_.problems.empty()) return;
  const auto log = makeStderrLogger(global_.log_level, global_.log_format);
  for (const plugin::PluginStore::Problem& problem : listing_.problems)
    log->warn(problem.describe());
}

int Plugins::perform(const Action& action) {
  warnOfProblems();
  if (const auto named = action.inputs().find(kProjectInput); named != action.inputs().end())
    folder_ = named->second;
  manages_without_configuration_ = managesWithoutConfiguration(action.name());
  plugin::HookContext context(action.inputs());
  std::vector<plugin::Plugin> plugins = pluginsFor(action, listing_.plugins);
  if (!plugin::wantsHooks(plugins, action.name())) return action.perform(context);
  return performWithHooks(action, context, std::move(plugins));
}

int Plugins::performWithHooks(const Action& action, plugin::HookContext& context,
                              std::vector<plugin::Plugin> plugins) {
  // One that comes between two of those who wait for signals waits for the next.
  const net::TerminationSignalsBlocked throughout;
  const auto ready = runtime();
  if (!ready) return reportFailure(global_.format, ready.error());
  plugin::HookRunner hooks(std::move(plugins), **ready, action.name(), action.inputs(), *log_);
  const int status = performBehindHooks(hooks, action, context, global_.format);
  return performHooksBehind(hooks, context, status);
}

}  // namespace nimbus::wash
