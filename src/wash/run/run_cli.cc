#include "wash/run/run_cli.h"

#include <memory>

#include "base/code_point.h"
#include "base/race.h"
#include "engine/command_call.h"
#include "host/calls/guest_host.h"
#include "host/data_plane.h"
#include "host/deploy/component_options.h"
#include "net/stoppable.h"
#include "wash/run/late_end.h"
#include "wash/terminal/interrupt.h"

namespace nimbus::wash {
namespace {

using engine::CallOutcome;

// How long the end of a command may take: of one that is interrupted, or takes longer than it may.
constexpr std::chrono::seconds kEndBound(2);
constexpr const char* kTookTooLong = "the command took longer than its limit";

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
  CallOutcome outcome{CallOutcome::Kind::kTimeout, 0, kTookTooLong};
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

// The end of the process, if the command's own does not come in time. Null without a limit.
std::unique_ptr<LateEnd> lateEndOf(const host::ComponentSpec& component, OutputFormat format) {
  if (!component.timeout_ms) return nullptr;
  return std::make_unique<LateEnd>(
      std::chrono::milliseconds(*component.timeout_ms) + kEndBound, [format] {
        return reportFailure(format, Error(ErrorCode::kDeadlineExceeded, kTookTooLong));
      });
}

// Returns the exit status, once the end has been told.
Result<int> execute(engine::Engine& engine, std::shared_ptr<const engine::Component> component,
                    const host::WorkloadSpec& spec, host::DataPlaneOptions options,
                    const std::vector<std::string>& arguments, OutputFormat format, Logger& log) {
  const SystemClock clock;
  MetricRegistry metrics;
  options.shards = 1;
  const Interrupt interrupt(kEndBound);
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
  command.arguments.push_back(asUtf8(only.name));
  command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
  // A command may run and compute as long as it likes unless the user says otherwise.
  command.timeout = only.timeout_ms ? Duration(std::chrono::milliseconds(*only.timeout_ms))
                                    : Duration(std::chrono::hours(24 * 365));
  const auto& cpu_limit_ms = only.local_resources.cpu_limit_ms;
  command.cpu_limit =
      cpu_limit_ms ? Duration(std::chrono::milliseconds(*cpu_limit_ms)) : Duration::max();
  const std::unique_ptr<LateEnd> late = lateEndOf(only, format);
  plane->runTask(0,
                 [&](host::ShardRuntime& shard) { return runAndKeep(shard, command, interrupt); });
  TRY(const CallOutcome outcome, std::move(command.outcome));
  return statusOf(outcome, format);
}

}  // namespace

int runCli(engine::Engine& engine, std::shared_ptr<const engine::Component> component,
           const host::WorkloadSpec& spec, const host::DataPlaneOptions& plane,
           const std::vector<std::string>& arguments, const GlobalOptions& global, Logger& log) {
  const auto status =
      execute(engine, std::move(component), spec, plane, arguments, global.format, log);
  return status ? *status : reportFailure(global.format, status.error());
}

}  // namespace nimbus::wash
