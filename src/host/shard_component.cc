#include "host/shard_component.h"

namespace nimbus::host {

ShardComponent::ShardComponent(ShardRuntime& shard, std::shared_ptr<ComponentRuntime> component)
    : component_(std::move(component)),
      gate_(shard.shard, shard.instances, component_->instances, shard.shard_count,
            component_->policy, component_->counters) {
  guest_hosts_.push_back(std::make_shared<ShardGuestHost>(shard, component_));
  for (const auto& inside : component_->inside) {
    guest_hosts_.push_back(std::make_shared<ShardGuestHost>(shard, inside));
  }
}

ShardComponent::~ShardComponent() {
  // Tasks that carry out requests of guests use this shard's client: they end here, even if an
  // instance somewhere still holds the guest host.
  for (const auto& guest_host : guest_hosts_) guest_host->stop();
}

Result<std::unique_ptr<engine::GuestContext>> ShardComponent::makeContext(net::Shard& shard) {
  TRY(auto own,
      engine::GuestContext::create(shard, component_->context_options, guest_hosts_.front()));
  if (component_->inside.empty()) return own;
  std::vector<std::unique_ptr<engine::GuestContext>> parts;
  parts.push_back(std::move(own));
  for (std::size_t i = 0; i < component_->inside.size(); ++i) {
    TRY(auto part, engine::GuestContext::create(shard, component_->inside[i]->context_options,
                                                guest_hosts_[i + 1]));
    parts.push_back(std::move(part));
  }
  return engine::GuestContext::join(parts);
}

Result<std::unique_ptr<ShardComponent>> ShardComponent::create(
    ShardRuntime& shard, std::shared_ptr<ComponentRuntime> component, std::uint32_t warm_here) {
  std::unique_ptr<ShardComponent> made(new ShardComponent(shard, std::move(component)));
  ComponentRuntime& runtime = *made->component_;
  TRY(made->context_, made->makeContext(shard.shard));
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
