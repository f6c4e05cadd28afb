#include "host/called_component.h"

#include <fmt/format.h>

#include "host/text_rules.h"

namespace nimbus::host {

// One instance, within the component's limit and the host's.
class CalledComponent::Permit {
 public:
  Permit(std::shared_ptr<ComponentRuntime> component, ShardRuntime& shard)
      : component_(std::move(component)), shard_(shard), counted_(component_->counters.instances) {}
  Permit(const Permit&) = delete;
  Permit& operator=(const Permit&) = delete;
  ~Permit() {
    component_->instances.give(1);
    shard_.instances.give();
  }

 private:
  const std::shared_ptr<ComponentRuntime> component_;
  ShardRuntime& shard_;
  Counted counted_;
};

CalledComponent::CalledComponent(std::shared_ptr<ComponentRuntime> component,
                                 std::vector<ShardRuntime*> shards)
    : component_(std::move(component)), shards_(shards.size()) {
  for (std::size_t i = 0; i < shards.size(); ++i) shards_[i].runtime = shards[i];
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

void CalledComponent::dropOn(std::size_t shard_index) {
  shards_[shard_index].guests.reset();
  shards_[shard_index].dropped = true;
}

engine::Poller& CalledComponent::poller(net::Shard& shard) {
  return shards_[shard.index()].runtime->poller;
}

const engine::GuestContext& CalledComponent::context(net::Shard& shard) {
  return shards_[shard.index()].guests->context();
}

Result<std::shared_ptr<void>> CalledComponent::admit(net::Shard& shard) {
  OnShard& here = shards_[shard.index()];
  const std::string name = inQuotes(component_->name);
  if (here.dropped)
    return fail(ErrorCode::kUnavailable, fmt::format("component {} has ended", name));
  if (here.guests == nullptr) {
    TRY(here.guests, ShardGuests::create(*here.runtime, component_));
  }
  if (component_->instances.take(1) == 0)
    return fail(ErrorCode::kResourceExhausted, fmt::format("component {} has all its {} instances",
                                                           name, component_->instances.limit()));
  if (!here.runtime->instances.take()) {
    component_->instances.give(1);
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("the host has no instance left for component {}", name));
  }
  return std::make_shared<Permit>(component_, *here.runtime);
}

}  // namespace nimbus::host
