#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "plugin/hook_context.h"
#include "wash/output/output.h"

namespace CLI {
class App;
}

namespace nimbus::wash {

class Plugins;

// What the global options say.
struct GlobalOptions {
  OutputFormat format = OutputFormat::kText;
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kText;
  bool non_interactive = false;    // nothing is asked: given, or standard input is no terminal
  bool verbose = false;            // more detail in results and progress
  std::size_t trailing = 0;        // how many arguments follow "--": the last positional ones
  std::string user_config;         // the user's configuration file, if not the usual one
  std::vector<std::string> allow;  // rules for plugins (plugin::parseAllowRule)
  bool allow_shell = false;        // plugins may run shells, if the user agrees
  std::string plugin_address = "127.0.0.1:8888";  // where a plugin's command serves HTTP
};

// What the command line asks for: a command leaves it here once its flags have been read, and
// `main` performs it between the hooks of plugins.
class Action {
 public:
  using Inputs = plugin::HookContext::Entries;
  using Run = std::function<int(plugin::HookContext&)>;

  // `name` is the command as it is typed, "oci push": hooks are bound to it. `inputs` are put into
  // the context before the before-hooks run.
  void set(std::string name, Inputs inputs, Run run) {
    name_ = std::move(name);
    inputs_ = std::move(inputs);
    run_ = std::move(run);
  }
  // A command that shares nothing with its hooks.
  void set(std::string name, const std::function<int()>& run) {
    set(std::move(name), {}, [run](plugin::HookContext&) { return run(); });
  }

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const Inputs& inputs() const { return inputs_; }
  // Returns the exit status.
  [[nodiscard]] int perform(plugin::HookContext& context) const { return run_(context); }

 private:
  std::string name_;
  Inputs inputs_;
  Run run_;
};

// Each adds its sub-command; reading the command line then sets `action`.
void addRunCommand(CLI::App& app, const GlobalOptions& global, Action& action);
void addDevCommand(CLI::App& app, const GlobalOptions& global, Action& action, Plugins& plugins);
void addInspectCommand(CLI::App& app, const GlobalOptions& global, Action& action);
void addNewCommand(CLI::App& app, const GlobalOptions& global, Action& action);
void addBuildCommand(CLI::App& app, const GlobalOptions& global, Action& action);
void addHelpCommand(CLI::App& app, const GlobalOptions& global, Action& action);
void addCompletionCommand(CLI::App& app, const GlobalOptions& global, Action& action);
void addConfigCommand(CLI::App& app, const GlobalOptions& global, Action& action);
void addBindgenCommand(CLI::App& app, const GlobalOptions& global, Action& action);
void addHostCommand(CLI::App& app, const GlobalOptions& global, Action& action);
void addWorkloadCommand(CLI::App& app, const GlobalOptions& global, Action& action);
void addOciCommand(CLI::App& app, const GlobalOptions& global, Action& action);
void addProviderCommand(CLI::App& app, const GlobalOptions& global, Action& action);
void addWitCommand(CLI::App& app, const GlobalOptions& global, Action& action);
void addUpdateCommand(CLI::App& app, const GlobalOptions& global, Action& action);

}  // namespace nimbus::wash
