#include "host/calls/shard_component.h"

#include <algorithm>

namespace nimbus::host {

ShardComponent::ShardComponent(ShardRuntime& shard, std::shared_ptr<ComponentRuntime> component)
    : component_(std::move(component)),
      gate_(shard.shard, shard.instances, shard.idle, component_->instances, shard.shard_count,
            component_->policy, component_->counters) {}

Result<PoolEnvironment> ShardComponent::makeGuests(ShardRuntime& shard) {
  TRY(guests_, ShardGuests::create(shard, component_));
  return PoolEnvironment{.poller = shard.poller,
                         .component = component_->component,
                         .context = guests_->context(),
                         .policy = component_->policy,
                         .counters = component_->counters,
                         .log = *component_->log,
                         .gate = gate_};
}

Result<std::unique_ptr<ShardComponent>> ShardComponent::createService(
    ShardRuntime& shard, std::shared_ptr<ComponentRuntime> component) {
  std::unique_ptr<ShardComponent> made(new ShardComponent(shard, std::move(component)));
  TRY(PoolEnvironment environment, made->makeGuests(shard));
  auto pool = std::make_unique<ServicePool>(std::move(environment));
  made->service_pool_ = pool.get();
  made->pool_ = std::move(pool);
  return made;
}

Result<std::unique_ptr<ShardComponent>> ShardComponent::create(
    ShardRuntime& shard, std::shared_ptr<ComponentRuntime> component, std::uint32_t warm_here) {
  std::unique_ptr<ShardComponent> made(new ShardComponent(shard, std::move(component)));
  TRY(PoolEnvironment environment, made->makeGuests(shard));
  if (warm_here == 0) {
    made->pool_ = makeFreshPool(std::move(environment));
    return made;
  }
  made->pool_ = makeWarmPool(std::move(environment), warm_here);
  return made;
}

Task<void> ShardComponent::drain() { co_await pool_->drain(); }

}  // namespace nimbus::host
