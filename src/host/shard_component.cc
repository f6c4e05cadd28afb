#include "host/shard_component.h"

namespace nimbus::host {

ShardComponent::ShardComponent(ShardRuntime& shard, std::shared_ptr<ComponentRuntime> component)
    : component_(std::move(component)),
      gate_(shard.shard, shard.instances, component_->instances, shard.shard_count,
            component_->policy, component_->counters) {}

Result<std::unique_ptr<ShardComponent>> ShardComponent::create(
    ShardRuntime& shard, std::shared_ptr<ComponentRuntime> component, std::uint32_t warm_here) {
  std::unique_ptr<ShardComponent> made(new ShardComponent(shard, std::move(component)));
  ComponentRuntime& runtime = *made->component_;
  TRY(made->guests_, ShardGuests::create(shard, made->component_));
  PoolEnvironment environment{.poller = shard.poller,
                              .component = runtime.component,
                              .context = made->guests_->context(),
                              .policy = runtime.policy,
                              .counters = runtime.counters,
                              .log = *runtime.log,
                              .gate = made->gate_};
  made->pool_ = warm_here > 0 ? makeWarmPool(std::move(environment), warm_here)
                              : makeFreshPool(std::move(environment));
  return made;
}

Task<void> ShardComponent::drain() { co_await pool_->drain(); }

}  // namespace nimbus::host
