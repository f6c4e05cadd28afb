#include "host/calls/shard_component.h"

#include <algorithm>

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
  if (warm_here == 0) {
    made->pool_ = makeFreshPool(std::move(environment));
    return made;
  }
  // The shards that have warm instances share the queue.
  const std::size_t pools = std::min<std::size_t>(runtime.policy.pool_size, shard.shard_count);
  made->pool_ = makeWarmPool(std::move(environment), warm_here,
                             (runtime.policy.max_queue + pools - 1) / pools);
  return made;
}

Task<void> ShardComponent::drain() { co_await pool_->drain(); }

}  // namespace nimbus::host
