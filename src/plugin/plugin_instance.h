#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"
#include "base/result.h"
#include "base/task.h"
#include "engine/component.h"
#include "engine/component_invoker.h"
#include "host/calls/shard_runtime.h"
#include "net/blocking_worker.h"
#include "plugin/abi.h"
#include "plugin/hook_context.h"
#include "plugin/permissions.h"
#include "plugin/plugin.h"
#include "plugin/plugin_guest_host.h"
#include "plugin/prepared_session.h"
#include "plugin/programs.h"
#include "plugin/runner_services.h"

namespace nimbus::plugin {

// Of one call of a plugin.
struct CallLimits {
  Duration wall_time;
  Duration cpu_time;
};
inline constexpr CallLimits kInfoLimits{std::chrono::seconds(10), std::chrono::seconds(3)};
inline constexpr CallLimits kHookLimits{std::chrono::minutes(10), std::chrono::seconds(60)};
inline constexpr CallLimits kCheckLimits{std::chrono::minutes(1), std::chrono::seconds(5)};
inline constexpr CallLimits kCommandLimits{std::chrono::hours(12), std::chrono::minutes(10)};
inline constexpr CallLimits kServedLimits{std::chrono::minutes(10), std::chrono::seconds(10)};
inline constexpr std::uint64_t kMaxMemoryBytes = 512ULL << 20;

// What an instance works with; all of it outlives the instance and the jobs of the worker.
struct InstanceParts {
  const Plugin& plugin;
  Permissions& permissions;
  HookContext& context;
  HookContext& config;
  ProcessRunner& runner;
  BackgroundPrograms& background;
  net::BlockingWorker& worker;  // programs run on it, and questions are asked
  Logger& log;
  const Clock& clock;
  PrintLine print;
  bool through_streams = false;  // its standard streams are those of this process
};

// One instance of a plugin in its sandbox: it sees its own folder at /tmp and /plugin_data, the
// folders that the user has agreed to, its configuration, and nothing else; whatever else it asks
// for goes through Permissions. Initialized by its first call but info(). Made, used and destroyed
// on one shard.
class PluginInstance final : RunnerServices, engine::GuestEnvironment {
 public:
  // kUnsupported: it imports something that it would need to start.
  [[nodiscard]] static Result<std::unique_ptr<PluginInstance>> create(
      host::ShardRuntime& shard, std::shared_ptr<const engine::Component> component,
      CallLimits limits, InstanceParts parts);
  ~PluginInstance() override;
  PluginInstance(const PluginInstance&) = delete;
  PluginInstance& operator=(const PluginInstance&) = delete;

  // See AbiAdapter. kTrap: it failed; kDeadlineExceeded, kResourceExhausted: a limit.
  [[nodiscard]] Task<Result<PluginInfo>> info();
  [[nodiscard]] Task<Result<std::string>> run(types::Invocation invocation);
  [[nodiscard]] Task<Result<std::string>> hook(types::Event event);
  [[nodiscard]] Task<Result<std::string>> devRegister();
  [[nodiscard]] Task<Result<std::vector<types::Finding>>> check();
  // Done by the others; for who calls session().
  [[nodiscard]] Task<Result<void>> initialize();
  // Its exports, of all interfaces: by the ids of any ComponentInvoker over the component; and the
  // handler of HTTP among them, if there is one.
  [[nodiscard]] engine::ExchangeSession& session() { return *session_; }

 private:
  PluginInstance(host::ShardRuntime& shard, std::shared_ptr<const engine::Component> component,
                 CallLimits limits, InstanceParts parts);
  [[nodiscard]] Result<void> build();
  [[nodiscard]] Result<engine::GuestContextOptions> contextOptions();
  [[nodiscard]] Result<std::shared_ptr<const engine::ImportSet>> imports();
  [[nodiscard]] Result<AbiAdapter::Runner> makeRunner();
  void beginCall();

  // RunnerServices
  [[nodiscard]] HookContext& context() override { return parts_.context; }
  [[nodiscard]] HookContext& config() override { return parts_.config; }
  [[nodiscard]] std::string folder() const override { return parts_.plugin.scratch_folder; }
  [[nodiscard]] Task<Result<ProcessOutcome>> exec(ProgramCall call) override;
  [[nodiscard]] Task<Result<std::uint32_t>> start(ProgramCall call) override;
  [[nodiscard]] bool stop(std::uint32_t process) override;
  void print(int stream, std::string_view line) override { parts_.print(stream, line); }

  // GuestEnvironment
  [[nodiscard]] engine::Poller& poller(net::Shard& /*shard*/) override { return shard_.poller; }
  [[nodiscard]] const engine::GuestContext& context(net::Shard& /*shard*/) override {
    return *guest_context_;
  }
  [[nodiscard]] Result<std::shared_ptr<void>> admit(net::Shard& shard,
                                                    engine::LiveSession& session) override;

  host::ShardRuntime& shard_;
  const std::shared_ptr<const engine::Component> component_;
  const CallLimits limits_;
  const InstanceParts parts_;
  const AbiAdapter& abi_;
  std::stop_source stop_;  // of programs that run for it
  bool admitted_ = false;  // the component's instance was made
  bool initialized_ = false;

  std::shared_ptr<PreparedSession> contract_;
  std::shared_ptr<PluginGuestHost> guest_host_;
  std::unique_ptr<engine::GuestContext> guest_context_;
  std::unique_ptr<engine::ComponentInvoker> invoker_;
  std::unique_ptr<engine::ExchangeSession> session_;
  std::optional<ExportCaller> caller_;
};

}  // namespace nimbus::plugin
