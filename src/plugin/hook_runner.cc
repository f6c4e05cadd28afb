#include "plugin/hook_runner.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

namespace nimbus::plugin {

bool matchesCommand(std::string_view pattern, std::string_view command) {
  if (pattern == "*" || pattern == command) return true;
  if (!pattern.ends_with(" *")) return false;
  pattern.remove_suffix(1);
  return command.starts_with(pattern);
}

bool hasHook(const PluginInfo& info, types::Phase phase, std::string_view command) {
  return std::ranges::any_of(info.metadata.hooks, [&](const types::Hook& hook) {
    return hook.phase == phase && matchesCommand(hook.command, command);
  });
}

bool wantsHooks(const std::vector<Plugin>& plugins, std::string_view command) {
  return std::ranges::any_of(plugins, [&](const Plugin& plugin) {
    return hasHook(plugin.info, types::Phase::kBefore, command) ||
           hasHook(plugin.info, types::Phase::kAfter, command);
  });
}

HookRunner::HookRunner(std::vector<Plugin> plugins, PluginRuntime& runtime, std::string command,
                       HookContext::Entries inputs, Logger& log)
    : plugins_(std::move(plugins)),
      runtime_(runtime),
      command_(std::move(command)),
      inputs_(std::move(inputs)),
      log_(log) {}

Result<void> HookRunner::call(const Plugin& plugin, types::Event event, HookContext& context) {
  const std::string_view phase = event.phase == types::Phase::kBefore ? "before" : "after";
  event.command = command_;
  event.inputs.assign(inputs_.begin(), inputs_.end());
  auto said = runtime_.hook(plugin, std::move(event), context);
  if (!said) {
    return fail(said.error().code(), fmt::format("plugin {}, {} {}: {}", plugin.name(), phase,
                                                 command_, said.error().describe()));
  }
  if (!said->empty()) log_.info(*said, {{"plugin", plugin.name()}});
  return {};
}

Result<void> HookRunner::before(HookContext& context, Failure failure) {
  for (const Plugin& plugin : plugins_) {
    if (!hasHook(plugin.info, types::Phase::kBefore, command_)) continue;
    auto done =
        call(plugin,
             {.phase = types::Phase::kBefore, .command = {}, .inputs = {}, .outcome = std::nullopt},
             context);
    if (done) continue;
    if (failure == Failure::kStops || done.error().code() == ErrorCode::kCancelled) return done;
    log_.warn(done.error().describe() + "; that does not stop this command");
  }
  return {};
}

std::vector<Plugin> HookRunner::following() const {
  std::vector<Plugin> following;
  for (const Plugin& plugin : plugins_)
    if (hasHook(plugin.info, types::Phase::kAfter, command_)) following.push_back(plugin);
  return following;
}

Result<void> HookRunner::after(const Plugin& plugin, HookContext& context, int exit_status) {
  std::error_code error;
  if (!std::filesystem::exists(plugin.wasm_path, error)) return {};  // the command removed it
  const types::Outcome outcome{exit_status == 0, static_cast<std::uint8_t>(exit_status)};
  return call(plugin,
              {.phase = types::Phase::kAfter, .command = {}, .inputs = {}, .outcome = outcome},
              context);
}

}  // namespace nimbus::plugin
