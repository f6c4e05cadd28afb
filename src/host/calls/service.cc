#include "host/calls/service.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/code_point.h"
#include "engine/command_call.h"
#include "engine/trap_reason.h"
#include "host/calls/instance_claim.h"
#include "host/calls/shard_guests.h"

namespace nimbus::host {
namespace {

using engine::CallOutcome;

bool isCompleted(const CallOutcome& outcome) {
  return outcome.kind == CallOutcome::Kind::kOk ||
         (outcome.kind == CallOutcome::Kind::kExit && outcome.exit_code == 0);
}

constexpr std::size_t kMaxReasonBytes = 1024;

std::string reasonOf(const std::string& message) {
  return asUtf8(std::string_view(engine::trapReason(message)).substr(0, kMaxReasonBytes));
}

// In one line.
std::string reasonOf(const CallOutcome& outcome) {
  switch (outcome.kind) {
    case CallOutcome::Kind::kExit:
      return fmt::format("it exited with status {}", outcome.exit_code);
    case CallOutcome::Kind::kCpuLimit:
    case CallOutcome::Kind::kTimeout:
    case CallOutcome::Kind::kTrap:
    case CallOutcome::Kind::kCollateral: return reasonOf(outcome.message);
    default:
      return fmt::format("{}: {}", engine::outcomeName(outcome.kind), reasonOf(outcome.message));
  }
}

}  // namespace

std::string_view serviceStateName(ServiceState state) {
  switch (state) {
    case ServiceState::kStarting: return "Starting";
    case ServiceState::kRunning: return "Running";
    case ServiceState::kRestarting: return "Restarting";
    case ServiceState::kCompleted: return "Completed";
    case ServiceState::kFailed: return "Failed";
  }
  return "Unknown";
}

std::shared_ptr<const std::size_t> ServicePlaces::take() {
  const auto least = std::ranges::min_element(
      taken_, {}, [](const std::atomic<std::uint32_t>& count) { return count.load(); });
  const auto index = static_cast<std::size_t>(least - taken_.begin());
  taken_[index].fetch_add(1);
  const auto give_back = [places = shared_from_this()](const std::size_t* taken) {
    places->taken_[*taken].fetch_sub(1);
    delete taken;
  };
  return {new std::size_t(index), give_back};
}

Service::Service(Environment environment, std::shared_ptr<ComponentRuntime> component,
                 Options options)
    : environment_(std::move(environment)),
      component_(std::move(component)),
      record_(std::make_shared<Record>(
          Record{.last = {.workload = component_->log->identity().workload,
                          .service = component_->name,
                          .generation = component_->log->identity().generation,
                          .progress = {.since = environment_.clock.wallNow()}},
                 .listener = environment_.listener})),
      options_(std::move(options)) {}

bool Service::servesHttp() const { return engine::isHttp(component_->component->kind()); }

void Service::start(PoolOf pool_of) {
  if (stopped_) return;
  pool_of_ = std::move(pool_of);
  for (const LedPort& port : options_.ports)
    port.leadInto(*component_->context_options.network, component_->log);
  tasks_.spawn(keepRunning());
}

void Service::stop() {
  stopped_ = true;
  tasks_.cancelAll();
  options_.ports.clear();
  // Last: those who are told may be all that the pool lives for.
  if (ServicePool* const pool = std::exchange(pool_, nullptr))
    pool->setAbsence({.reason = "the service has been ended"});
}

Task<void> Service::keepRunning() {
  RestartPace pace(options_.restarts);
  net::Shard& shard = environment_.runtime.shard;
  for (;; ++restarts_) {
    const TimePoint began = shard.now();
    const CallOutcome outcome = co_await runOnce();
    if (pool_ != nullptr && pool_->isLast()) {
      tellClients("the service has ended for another one", Duration::zero());
      co_return;
    }
    if (isCompleted(outcome)) {
      component_->log->serviceCompleted();
      tellClients("the service has completed", std::nullopt);
      tell(ServiceState::kCompleted);
      co_return;
    }
    component_->counters.failures.fetch_add(1, std::memory_order_relaxed);
    const auto cause = outcome.kind == CallOutcome::Kind::kResources ? RestartPace::Cause::kNoRoom
                                                                     : RestartPace::Cause::kItself;
    const std::optional<Duration> pause = pace.afterFailure(shard.now() - began, cause);
    component_->log->serviceFailed(outcome, restarts_, pause);
    tellClients(pause ? "the service has failed and is started again" : "the service has failed",
                pause);
    tell(pause ? ServiceState::kRestarting : ServiceState::kFailed, reasonOf(outcome), pause);
    if (!pause) co_return;
    co_await shard.sleepFor(*pause);
  }
}

void Service::tellClients(std::string reason, std::optional<Duration> pause) {
  if (pool_ != nullptr) pool_->setAbsence({std::move(reason), pause.has_value()});
}

Task<CallOutcome> Service::runOnce() {
  if (!servesHttp()) co_return co_await runCommand();
  auto pool = pool_of_();
  if (!pool) co_return CallOutcome{CallOutcome::Kind::kHostFailure, 0, pool.error().describe()};
  pool_ = *pool;
  if (pool_->isLast()) co_return CallOutcome{CallOutcome::Kind::kNotStarted, 0, ""};
  co_return co_await pool_->run([this] { tell(ServiceState::kRunning); });
}

Task<CallOutcome> Service::runCommand() {
  const auto claim = InstanceClaim::take(component_, environment_.runtime);
  if (!claim)
    co_return CallOutcome{CallOutcome::Kind::kResources, 0, "the host has no instance left"};
  component_->counters.total.fetch_add(1, std::memory_order_relaxed);
  auto guests = ShardGuests::create(environment_.runtime, component_);
  if (!guests) co_return CallOutcome{CallOutcome::Kind::kHostFailure, 0, guests.error().describe()};
  tell(ServiceState::kRunning);
  engine::CommandCall call(environment_.runtime.poller, component_->component, (*guests)->context(),
                           options_.cpu_limit);
  CallOutcome outcome = co_await call.run();
  if (outcome.kind == CallOutcome::Kind::kCpuLimit)
    outcome.message.replace(0, outcome.message.find('\n'),  // where it was follows
                            "it used up the CPU time of a run (cpuLimit)");
  co_return outcome;
}

void Service::tell(ServiceState state, std::string reason, std::optional<Duration> pause) {
  ServiceProgress progress{.state = state,
                           .reason = std::move(reason),
                           .restarts = restarts_,
                           .since = environment_.clock.wallNow(),
                           .next_start = std::nullopt};
  if (pause)
    progress.next_start =
        progress.since + std::chrono::duration_cast<std::chrono::system_clock::duration>(*pause);
  environment_.control.post([record = record_, progress = std::move(progress)]() mutable {
    record->last.progress = std::move(progress);
    if (record->listener->tell) record->listener->tell(record->last);
  });
}

}  // namespace nimbus::host
