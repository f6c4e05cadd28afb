#include "host/shard_component.h"

namespace nimbus::host {

ShardComponent::ShardComponent(ShardRuntime& shard, std::shared_ptr<ComponentRuntime> component)
    : component_(std::move(component)),
      gate_(shard.shard, shard.instances, component_->instances, shard.shard_count,
            component_->policy, component_->counters),
      guest_host_(std::make_shared<ShardGuestHost>(shard, component_)) {}

ShardComponent::~ShardComponent() {
  // Tasks that carry out requests of guests use this shard's client: they end here, even if an
  // instance somewhere still holds the guest host.
  guest_host_->stop();
}

Result<std::unique_ptr<ShardComponent>> ShardComponent::create(
    ShardRuntime& shard, std::shared_ptr<ComponentRuntime> component, std::uint32_t warm_here) {
  std::unique_ptr<ShardComponent> made(new ShardComponent(shard, std::move(component)));
  ComponentRuntime& runtime = *made->component_;
  TRY(made->context_,
      engine::GuestContext::create(shard.shard, runtime.context_options, made->guest_host_));
  PoolEnvironment environment{.poller = shard.poller,
                              .component = runtime.component,
                              .context = *made->context_,
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
