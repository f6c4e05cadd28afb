#include "host/calls/called_component.h"

#include <fmt/format.h>

#include "base/escape.h"
#include "host/calls/instance_claim.h"

namespace nimbus::host {

// One instance, among those that are alive here.
class CalledComponent::Permit {
 public:
  Permit(std::unique_ptr<InstanceClaim> claim, OnShard& here, engine::LiveSession& session)
      : claim_(std::move(claim)),
        here_(here),
        place_(here.alive.insert(here.alive.end(), &session)) {
    here_.none_alive.clear();
  }
  Permit(const Permit&) = delete;
  Permit& operator=(const Permit&) = delete;
  ~Permit() {
    claim_.reset();
    here_.alive.erase(place_);
    // Last: whoever waits for the last instance may end all of this.
    if (here_.alive.empty()) here_.none_alive.set();
  }

 private:
  std::unique_ptr<InstanceClaim> claim_;
  OnShard& here_;
  const std::list<engine::LiveSession*>::iterator place_;
};

CalledComponent::CalledComponent(std::shared_ptr<ComponentRuntime> component,
                                 std::vector<ShardRuntime*> shards)
    : component_(std::move(component)), shards_(shards.size()) {
  for (std::size_t i = 0; i < shards.size(); ++i) {
    shards_[i].runtime = shards[i];
    shards_[i].none_alive.set();
  }
}

CalledComponent::~CalledComponent() = default;

std::shared_ptr<wrpc::Invoker> CalledComponent::invokerOf(
    const std::shared_ptr<CalledComponent>& called, Logger& log) {
  const CallPolicy& policy = called->component_->policy;
  return std::make_shared<engine::ComponentInvoker>(
      called->component_->component, called,
      engine::ComponentInvokerOptions{.cpu_limit = policy.cpu_limit, .time_limit = policy.timeout},
      log);
}

Error CalledComponent::ended() const {
  return {ErrorCode::kUnavailable,
          fmt::format("component {} has ended", inQuotes(component_->name))};
}

Task<void> CalledComponent::idleOn(std::size_t shard_index) {
  co_await shards_[shard_index].none_alive.wait();
}

void CalledComponent::dropOn(std::size_t shard_index) {
  OnShard& here = shards_[shard_index];
  here.dropped = true;
  while (!here.alive.empty()) here.alive.front()->cutOff(ended());
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

Result<std::shared_ptr<void>> CalledComponent::admit(net::Shard& shard,
                                                     engine::LiveSession& session) {
  OnShard& here = shards_[shard.index()];
  if (here.dropped) return std::unexpected(ended());
  if (here.guests == nullptr) {
    TRY(here.guests, ShardGuests::create(*here.runtime, component_));
  }
  TRY(auto claim, InstanceClaim::take(component_, *here.runtime));
  return std::make_shared<Permit>(std::move(claim), here, session);
}

}  // namespace nimbus::host
