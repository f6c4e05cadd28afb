#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "plugin/hook_context.h"
#include "plugin/plugin.h"
#include "plugin/plugin_runtime.h"

namespace nimbus::plugin {

// Whether a hook of this pattern is one of the command: "oci push" itself, "oci *" for all below
// `oci`, "*" for every command.
[[nodiscard]] bool matchesCommand(std::string_view pattern, std::string_view command);

[[nodiscard]] bool hasHook(const PluginInfo& info, types::Phase phase, std::string_view command);
// Whether any of the plugins has a hook before or after the command.
[[nodiscard]] bool wantsHooks(const std::vector<Plugin>& plugins, std::string_view command);

// The hooks around one run of a command, those of one plugin after those of another in the order of
// their names. Errors name the plugin and the hook.
class HookRunner {
 public:
  // `plugins` in the order of names. The runtime and the log outlive it.
  HookRunner(std::vector<Plugin> plugins, PluginRuntime& runtime, std::string command,
             HookContext::Entries inputs, Logger& log);

  // The first failure stops the command, and the hooks behind; or each is a warning only. Being
  // interrupted (kCancelled) stops them in any case.
  enum class Failure { kStops, kWarns };
  [[nodiscard]] Result<void> before(HookContext& context, Failure failure = Failure::kStops);
  // The plugins with hooks after the command: after() is for each of them, whether or not the
  // command, or a hook before it, has failed.
  [[nodiscard]] std::vector<Plugin> following() const;
  [[nodiscard]] Result<void> after(const Plugin& plugin, HookContext& context, int exit_status);

 private:
  [[nodiscard]] Result<void> call(const Plugin& plugin, types::Event event, HookContext& context);

  const std::vector<Plugin> plugins_;
  PluginRuntime& runtime_;
  const std::string command_;
  const HookContext::Entries inputs_;
  Logger& log_;
};

}  // namespace nimbus::plugin
