#include "host/calls/called_component.h"

#include <utility>

#include <fmt/format.h>

#include "base/escape.h"
#include "host/calls/instance_claim.h"

namespace nimbus::host {

// One instance, among those that are alive here.
class CalledComponent::Permit {
 public:
  Permit(std::unique_ptr<InstanceClaim> claim, CalledComponent& called, OnShard& here,
         engine::LiveSession& session)
      : claim_(std::move(claim)),
        called_(called),
        here_(here),
        began_(here.runtime->shard.now()),
        place_(here.alive.insert(here.alive.end(), &session)) {
    here_.none_alive.clear();
  }
  Permit(const Permit&) = delete;
  Permit& operator=(const Permit&) = delete;
  ~Permit() {
    claim_.reset();
    called_.noteEnd(here_, here_.runtime->shard.now() - began_);
    here_.alive.erase(place_);
    // Last: whoever waits for the last instance may end all of this.
    if (here_.alive.empty()) here_.none_alive.set();
  }

 private:
  std::unique_ptr<InstanceClaim> claim_;
  CalledComponent& called_;
  OnShard& here_;
  const TimePoint began_;
  const std::list<engine::LiveSession*>::iterator place_;
};

// A caller of the shared instance.
class CalledComponent::SharedSession final : public wrpc::Session {
 public:
  SharedSession(std::shared_ptr<CalledComponent> called,
                std::shared_ptr<engine::ComponentInvoker> invoker, net::Shard& shard)
      : called_(std::move(called)),
        invoker_(std::move(invoker)),
        shard_(shard),
        here_(called_->shards_[shard.index()]) {}
  ~SharedSession() override {
    if (caller_ && here_.shared) here_.shared->leave(*caller_);
  }

  Eventual<Result<wrpc::Values>> invoke(const wrpc::CallContext& context, wrpc::FunctionId function,
                                        wrpc::Values params) override {
    if (here_.dropped) return Result<wrpc::Values>(std::unexpected(called_->ended()));
    if (!here_.shared)
      here_.shared = std::make_unique<SharedInstance>(shard_, invoker_->openForExchanges(shard_),
                                                      called_->overlapping());
    if (!caller_) caller_ = here_.shared->join();
    return here_.shared->invoke(caller_, context, function, std::move(params));
  }
  void drop(ByteView handle) override {
    if (here_.shared) here_.shared->drop(handle);
  }
  [[nodiscard]] bool owns(ByteView handle) const override {
    return here_.shared && here_.shared->owns(handle);
  }
  // Whoever's: what this one has is not told apart.
  [[nodiscard]] bool inUse() const override { return here_.shared && here_.shared->inUse(); }

 private:
  const std::shared_ptr<CalledComponent> called_;
  const std::shared_ptr<engine::ComponentInvoker> invoker_;
  net::Shard& shard_;
  OnShard& here_;
  std::shared_ptr<SharedInstance::Caller> caller_;  // once it has called
};

class CalledComponent::SharedInvoker final : public wrpc::Invoker {
 public:
  SharedInvoker(std::shared_ptr<CalledComponent> called,
                std::shared_ptr<engine::ComponentInvoker> invoker)
      : called_(std::move(called)), invoker_(std::move(invoker)) {}

  Result<wrpc::FunctionId> resolve(const wrpc::FunctionName& name) override {
    return invoker_->resolve(name);
  }
  std::unique_ptr<wrpc::Session> open(net::Shard& shard,
                                      std::shared_ptr<const wrpc::Consumer> /*consumer*/) override {
    return std::make_unique<SharedSession>(called_, invoker_, shard);
  }

 private:
  const std::shared_ptr<CalledComponent> called_;
  const std::shared_ptr<engine::ComponentInvoker> invoker_;
};

CalledComponent::CalledComponent(std::shared_ptr<ComponentRuntime> component,
                                 std::vector<ShardRuntime*> shards,
                                 std::optional<SharedSpec> shared)
    : component_(std::move(component)), shared_(shared), shards_(shards.size()) {
  for (std::size_t i = 0; i < shards.size(); ++i) {
    shards_[i].runtime = shards[i];
    shards_[i].none_alive.set();
    if (shared_) shards_[i].pace.emplace(RestartPolicy{.most = shared_->max_restarts});
  }
}

CalledComponent::~CalledComponent() = default;

std::shared_ptr<wrpc::Invoker> CalledComponent::invokerOf(
    const std::shared_ptr<CalledComponent>& called, Logger& log) {
  const CallPolicy& policy = called->component_->policy;
  auto invoker = std::make_shared<engine::ComponentInvoker>(
      called->component_->component, called,
      engine::ComponentInvokerOptions{.cpu_limit = policy.cpu_limit, .time_limit = policy.timeout},
      log);
  if (!called->shared_) return invoker;
  return std::make_shared<SharedInvoker>(called, std::move(invoker));
}

std::size_t CalledComponent::overlapping() const {
  const bool concurrent = component_->component->info().needsFullEngine();
  return concurrent ? engine::ComponentInvokerOptions().max_concurrent : 1;
}

Error CalledComponent::ended() const {
  return {ErrorCode::kUnavailable,
          fmt::format("component {} has ended", inQuotes(component_->name))};
}

Task<void> CalledComponent::idleOn(std::size_t shard_index) {
  OnShard& here = shards_[shard_index];
  if (here.shared) {
    co_await here.shared->unused().wait();
  } else {
    co_await here.none_alive.wait();
  }
}

void CalledComponent::noteEnd(OnShard& here, Duration lived) {
  const bool no_room = std::exchange(here.no_room, false);
  if (!here.pace || here.dropped) return;
  const auto cause = no_room ? RestartPace::Cause::kNoRoom : RestartPace::Cause::kItself;
  if (here.pace->afterFailure(lived, cause)) return;
  here.given_up = true;
  component_->log->note(LogLevel::kError, "component given up",
                        fmt::format("it has failed {} times in a row", *shared_->max_restarts + 1));
}

void CalledComponent::dropOn(std::size_t shard_index) {
  OnShard& here = shards_[shard_index];
  here.dropped = true;
  while (!here.alive.empty()) here.alive.front()->cutOff(ended());
  here.shared.reset();
  here.guests.reset();
}

engine::Poller& CalledComponent::poller(net::Shard& shard) {
  return shards_[shard.index()].runtime->poller;
}

const engine::GuestContext& CalledComponent::context(net::Shard& shard) {
  return shards_[shard.index()].guests->context();
}

void CalledComponent::callBegan() {
  component_->counters.total.fetch_add(1, std::memory_order_relaxed);
  component_->counters.in_flight.fetch_add(1, std::memory_order_relaxed);
}

void CalledComponent::callEnded(Ended how) {
  component_->counters.in_flight.fetch_sub(1, std::memory_order_relaxed);
  if (how == Ended::kFailed) component_->counters.failures.fetch_add(1, std::memory_order_relaxed);
}

bool CalledComponent::tellFailure(net::Shard& shard, engine::CallOutcome::Kind kind,
                                  std::string_view reason) {
  using Kind = engine::CallOutcome::Kind;
  if (kind == Kind::kResources) shards_[shard.index()].no_room = true;
  // What ends a call on its caller's own instance may be the caller's time.
  if (kind == Kind::kTimeout && !shared_) return false;
  component_->log->failure({kind, 0, std::string(reason)});
  return true;
}

Result<std::shared_ptr<void>> CalledComponent::admit(net::Shard& shard,
                                                     engine::LiveSession& session) {
  OnShard& here = shards_[shard.index()];
  if (here.dropped) return std::unexpected(ended());
  if (here.given_up)
    return fail(ErrorCode::kUnavailable,
                fmt::format("component {} has failed too often in a row (maxRestarts: {})",
                            inQuotes(component_->name), *shared_->max_restarts));
  if (here.guests == nullptr) {
    TRY(here.guests, ShardGuests::create(*here.runtime, component_));
  }
  TRY(auto claim, InstanceClaim::take(component_, *here.runtime));
  return std::make_shared<Permit>(std::move(claim), *this, here, session);
}

}  // namespace nimbus::host
