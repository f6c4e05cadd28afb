#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/process.h"
#include "plugin/consent.h"
#include "plugin/plugin_runtime.h"
#include "plugin/plugin_store.h"
#include "wash/command.h"
#include "wash/output/redirected_log.h"
#include "wash/terminal/terminal_consent.h"

namespace nimbus::project {
struct LoadedConfig;
struct PluginSettings;
}  // namespace nimbus::project

namespace nimbus::wash {

// The plugins of this run of `wash`: which are installed, what runs them, and the hooks around its
// command. Reads what the store says at once, and starts nothing before a plugin is called. Main
// thread.
class Plugins {
 public:
  // `global` outlives it, and is complete once the command line has been read.
  explicit Plugins(const GlobalOptions& global);
  ~Plugins();
  Plugins(const Plugins&) = delete;
  Plugins& operator=(const Plugins&) = delete;

  [[nodiscard]] plugin::PluginStore& store() { return store_; }
  [[nodiscard]] const std::vector<plugin::InstalledPlugin>& installed() const {
    return listing_.plugins;
  }
  // Of plugins that are left out.
  [[nodiscard]] const std::vector<plugin::PluginStore::Problem>& problems() const {
    return listing_.problems;
  }
  // With the configuration of the project that the command is about. kInvalidArgument: a rule of
  // --allow cannot be understood.
  [[nodiscard]] Result<plugin::PluginRuntime*> runtime();
  // What the runtime logs, once there is one.
  [[nodiscard]] RedirectedLog& log() { return *log_; }
  // From now on this is said of plugins, once there is a runtime; with --allow. Any thread.
  // kInvalidArgument: a rule cannot be understood, and nothing is changed.
  [[nodiscard]] Result<void> configure(const project::PluginSettings& settings);

  // While it is so, nobody is asked any more: whoever waits for an answer is told no.
  void refuseQuestions();
  void askAgain();

  // Says which plugins are left out, in the log.
  void warnOfProblems() const;
  // Performs the command between its hooks; says first which plugins are left out.
  [[nodiscard]] int perform(const Action& action);

  // Words of the command line that plugins may not take.
  void reserve(std::vector<std::string> words) { reserved_ = std::move(words); }
  [[nodiscard]] const std::vector<std::string>& reserved() const { return reserved_; }

 private:
  [[nodiscard]] Result<std::vector<plugin::AllowRule>> rules(
      const project::PluginSettings& settings) const;
  [[nodiscard]] Result<plugin::PermissionOptions> permissionOptions(
      const project::PluginSettings& settings, const std::string& folder) const;
  [[nodiscard]] Result<project::LoadedConfig> configuration(const std::string& folder) const;
  [[nodiscard]] int performWithHooks(const Action& action, plugin::HookContext& context,
                                     std::vector<plugin::Plugin> plugins);

  const GlobalOptions& global_;
  plugin::PluginStore store_;
  plugin::PluginStore::Listing listing_;
  std::vector<std::string> reserved_;
  std::string folder_ = ".";                    // of the project that the command is about
  bool manages_without_configuration_ = false;  // the command does, where that is broken
  SystemClock clock_;
  SystemProcessRunner runner_;
  plugin::NoConsent nobody_;
  std::unique_ptr<TerminalConsent> terminal_;  // null where nobody may be asked
  std::optional<RedirectedLog> log_;           // once there is a runtime
  std::unique_ptr<plugin::PluginRuntime> runtime_;
};

}  // namespace nimbus::wash
