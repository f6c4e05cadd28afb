#include "wash/run/run_cli.h"

#include "base/race.h"
#include "engine/command_call.h"
#include "host/calls/guest_host.h"
#include "host/data_plane.h"
#include "host/deploy/component_options.h"
#include "net/stoppable.h"
#include "wash/terminal/interrupt.h"

namespace nimbus::wash {
namespace {

using engine::CallOutcome;

constexpr std::chrono::seconds kInterruptBound(2);

int statusOf(const CallOutcome& outcome, OutputFormat format) {
  switch (outcome.kind) {
    case CallOutcome::Kind::kOk: return kExitOk;
    case CallOutcome::Kind::kExit: return outcome.exit_code;
    case CallOutcome::Kind::kTimeout:
    case CallOutcome::Kind::kCpuLimit:
      return reportFailure(format, Error(ErrorCode::kDeadlineExceeded, outcome.message));
    default: return reportFailure(format, Error(ErrorCode::kTrap, outcome.message));
  }
}

// What the command needs for as long as it runs.
struct Command {
  std::shared_ptr<host::ComponentRuntime> runtime;
  std::vector<std::string> arguments;
  Duration timeout;
  Duration cpu_limit;
  Result<CallOutcome> outcome = CallOutcome{};
};

Task<void> keepOutcome(engine::CommandCall* call, CallOutcome* outcome) {
  *outcome = co_await call->run();
}

Task<Result<CallOutcome>> runOn(host::ShardRuntime& shard, Command& command,
                                const Interrupt& interrupt) {
  const auto guest_host = std::make_shared<host::ShardGuestHost>(shard, command.runtime);
  engine::GuestContextOptions options = command.runtime->context_options;
  options.arguments = command.arguments;
  options.stdio = engine::GuestStdio::kInherit;
  CO_TRY(const auto context, engine::GuestContext::create(shard.shard, options, guest_host));
  CallOutcome outcome{CallOutcome::Kind::kTimeout, 0, "the command took longer than its limit"};
  engine::CommandCall call(shard.poller, command.runtime->component, *context, command.cpu_limit);
  const bool over = co_await net::untilStopped(
      shard.shard, withTimeout(keepOutcome(&call, &outcome), shard.shard.sleepFor(command.timeout)),
      interrupt.token());
  if (!over) outcome = {CallOutcome::Kind::kExit, interrupt.status(), ""};
  guest_host->stop();
  co_return outcome;
}

Task<void> runAndKeep(host::ShardRuntime& shard, Command& command, const Interrupt& interrupt) {
  command.outcome = co_await runOn(shard, command, interrupt);
}

Result<CallOutcome> execute(engine::Engine& engine,
                            std::shared_ptr<const engine::Component> component,
                            const host::WorkloadSpec& spec, host::DataPlaneOptions options,
                            const std::vector<std::string>& arguments, Logger& log) {
  const SystemClock clock;
  MetricRegistry metrics;
  options.shards = 1;
  const Interrupt interrupt(kInterruptBound);
  TRY(const auto plane, host::DataPlane::create(std::move(options), engine, log, metrics, clock));
  const host::ComponentSpec& only = spec.components.front();
  TRY(const auto volumes,
      host::WorkloadVolumes::open(spec, std::make_shared<host::VolumeRoot>("")));
  TRY_VOID(plane->openProviders(std::make_shared<const host::WorkloadSpec>(spec)));
  Command command;
  TRY(command.runtime,
      plane->runtime().assembleComponent(spec, only, 1, std::move(component), {&only},
                                         {.volumes = volumes->all().get()}));
  command.runtime->takeEffect();
  command.arguments.push_back(only.name);
  command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
  // A command may run and compute as long as it likes unless the user says otherwise.
  command.timeout = only.timeout_ms ? Duration(std::chrono::milliseconds(*only.timeout_ms))
                                    : Duration(std::chrono::hours(24 * 365));
  const auto& cpu_limit_ms = only.local_resources.cpu_limit_ms;
  command.cpu_limit =
      cpu_limit_ms ? Duration(std::chrono::milliseconds(*cpu_limit_ms)) : Duration::max();
  plane->runTask(0,
                 [&](host::ShardRuntime& shard) { return runAndKeep(shard, command, interrupt); });
  return std::move(command.outcome);
}

}  // namespace

int runCli(engine::Engine& engine, std::shared_ptr<const engine::Component> component,
           const host::WorkloadSpec& spec, const host::DataPlaneOptions& plane,
           const std::vector<std::string>& arguments, const GlobalOptions& global, Logger& log) {
  const auto outcome = execute(engine, std::move(component), spec, plane, arguments, log);
  return outcome ? statusOf(*outcome, global.format)
                 : reportFailure(global.format, outcome.error());
}

}  // namespace nimbus::wash
