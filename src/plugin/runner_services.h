#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/process.h"
#include "base/result.h"
#include "base/task.h"
#include "plugin/hook_context.h"

namespace nimbus::plugin {

// A program that a plugin wants to run.
struct ProgramCall {
  std::string program;
  std::vector<std::string> arguments;
  std::string input;
  std::optional<Duration> time_limit;
};

// Texts that stay with a plugin from run to run. Bounded as a HookContext is.
class PluginConfig {
 public:
  explicit PluginConfig(HookContext::Entries entries) : map_(std::move(entries)) {}

  [[nodiscard]] HookContext& map() { return map_; }
  [[nodiscard]] HookContext::Entries entries() const { return map_.below(""); }

 private:
  HookContext map_;
};

// What a plugin's runner does, whatever the contract. On the plugin's shard.
class RunnerServices {
 public:
  virtual ~RunnerServices() = default;

  [[nodiscard]] virtual HookContext& context() = 0;
  [[nodiscard]] virtual HookContext& config() = 0;

  // The plugin's own folder on this machine.
  [[nodiscard]] virtual std::string folder() const = 0;

  // kPermissionDenied: the user has not agreed. kNotFound, kDeadlineExceeded, and whatever else
  // went wrong. A status other than 0 is no error.
  [[nodiscard]] virtual Task<Result<ProcessOutcome>> exec(ProgramCall call) = 0;
  // The number by which stop() knows it.
  [[nodiscard]] virtual Task<Result<std::uint32_t>> start(ProgramCall call) = 0;
  [[nodiscard]] virtual bool stop(std::uint32_t process) = 0;

  // A line for the user, on stream 1 or 2.
  virtual void print(int stream, std::string_view line) = 0;
};

}  // namespace nimbus::plugin
