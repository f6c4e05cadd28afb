#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"
#include "base/result.h"
#include "engine/engine.h"
#include "net/address.h"
#include "plugin/command_server.h"
#include "plugin/consent.h"
#include "plugin/grant_book.h"
#include "plugin/hook_context.h"
#include "plugin/permissions.h"
#include "plugin/plugin.h"
#include "plugin/plugin_instance.h"
#include "plugin/programs.h"

namespace nimbus::plugin {

// What the user has written for plugins, by their names: it wins over what they keep themselves.
using PluginConfiguration = std::map<std::string, HookContext::Entries>;

struct PluginRuntimeOptions {
  engine::EngineOptions engine;
  std::string plugins_folder;  // with the permissions
  PermissionOptions permissions;
  PluginConfiguration configured;
  // Where HTTP is served that a plugin exports, while its command runs; port 0 takes a free one.
  net::Endpoint http_address;
  bool keep_output_clean = false;  // nothing but results goes to standard output: `-o json`
  // Told when a plugin of that name is about to be compiled, which takes a while if it is not in
  // the code cache; what it gives is kept for as long.
  std::function<std::shared_ptr<void>(const std::string& plugin)> compiling;
  // Asked at each call for what ends it early (kCancelled); none: nothing does.
  std::function<std::stop_token()> stop;
};

// The installed binary, compiled. kPermissionDenied: it is not the one that was installed.
[[nodiscard]] Result<std::shared_ptr<const engine::Component>> loadPlugin(const Plugin& plugin,
                                                                          engine::Engine& engine);

// Runs plugins for one run of `wash`, each call on a new instance in its sandbox. The engine starts
// with the first. Programs that plugins left running end with it. Main thread, where
// not said otherwise; blocks.
class PluginRuntime {
 public:
  // All of them outlive it.
  PluginRuntime(PluginRuntimeOptions options, ProcessRunner& runner, Consent& consent, Logger& log,
                const Clock& clock);
  ~PluginRuntime();
  PluginRuntime(const PluginRuntime&) = delete;
  PluginRuntime& operator=(const PluginRuntime&) = delete;

  // From now on these are the rules and the configuration. What stands stays as it is. Any thread.
  void configure(std::vector<AllowRule> allow, PluginConfiguration configured);

  // What the plugin in these bytes says of itself, checked. It may do nothing meanwhile.
  [[nodiscard]] Result<PluginInfo> inspect(const Bytes& wasm);

  // The text that its command returned. kInvalidArgument: the plugin's own error.
  [[nodiscard]] Result<std::string> run(const Plugin& plugin, types::Invocation invocation,
                                        HookContext& context);
  [[nodiscard]] Result<std::string> hook(const Plugin& plugin, types::Event event,
                                         HookContext& context);
  // Initializes an instance, and calls the hook that older contracts have for that.
  [[nodiscard]] Result<std::string> devRegister(const Plugin& plugin, HookContext& context);
  [[nodiscard]] Result<std::vector<types::Finding>> check(const Plugin& plugin,
                                                          HookContext& context);

  // A plugin with what its instances share, for one run of it or for as long as it serves.
  struct Standing {
    Plugin plugin;
    Permissions permissions;
    HookContext config;  // what it kept, and over it what is configured for it
    // Another text whenever another standing would give an instance other folders, other rules or
    // another configuration, but for what the plugin has kept.
    std::string terms = {};
  };
  // Reads files. Any thread.
  [[nodiscard]] Result<std::unique_ptr<Standing>> standing(Plugin plugin);
  // What an instance is made with; all that is given outlives it.
  [[nodiscard]] InstanceParts partsOf(Standing& standing, HookContext& context,
                                      net::BlockingWorker& worker, PrintLine print);

  // Whether its flags may have values from that variable of the environment. May ask.
  [[nodiscard]] Result<void> allowVariable(const Plugin& plugin, const std::string& name);

  // See Permissions.
  [[nodiscard]] Result<std::vector<Need>> settleNeeds(const Plugin& plugin, Settling how);

 private:
  struct Machine;
  // What one call does with its instance.
  template <typename T>
  struct Use {
    CallLimits limits;
    bool through_streams = false;  // the instance's standard streams are those of this process
    bool serves_http = false;      // what the plugin exports of it, meanwhile
    std::move_only_function<Task<Result<T>>(PluginInstance&)> call;
  };

  [[nodiscard]] Result<Machine*> machine();
  [[nodiscard]] Result<std::shared_ptr<const engine::Component>> load(const Plugin& plugin,
                                                                      Machine& machine);
  template <typename T>
  [[nodiscard]] Result<T> call(const Plugin& plugin, HookContext& context, Use<T> use);
  // Null if the plugin has nothing to serve.
  [[nodiscard]] Result<std::unique_ptr<CommandServer>> serveHttp(
      const std::shared_ptr<Standing>& standing,
      const std::shared_ptr<const engine::Component>& component, HookContext& context);
  template <typename T>
  [[nodiscard]] Result<T> callIn(Standing& standing,
                                 std::shared_ptr<const engine::Component> component,
                                 HookContext& context, Use<T> use);
  template <typename T>
  static Task<void> callOn(host::ShardRuntime& shard,
                           std::shared_ptr<const engine::Component> component, InstanceParts parts,
                           Use<T>& use, Result<T>& result, std::stop_token stop);

  const PluginRuntimeOptions options_;
  std::mutex configuring_;
  std::vector<AllowRule> allow_;  // under the mutex, as what follows
  PluginConfiguration configured_;
  ProcessRunner& runner_;
  Consent& consent_;
  Logger& log_;
  const Clock& clock_;
  GrantBook grants_;
  std::atomic<bool> told_of_damage_ = false;  // of what was agreed to
  BackgroundPrograms background_;
  std::unique_ptr<Machine> machine_;
};

}  // namespace nimbus::plugin
