#include "host/calls/instance_claim.h"

#include <utility>

#include <fmt/format.h>

#include "base/escape.h"

namespace nimbus::host {

Result<std::unique_ptr<InstanceClaim>> InstanceClaim::take(
    std::shared_ptr<ComponentRuntime> component, ShardRuntime& shard) {
  const std::string name = inQuotes(component->name);
  if (component->instances.take(1) == 0) {
    shard.idle.ask(component->instances);
    return fail(ErrorCode::kResourceExhausted, fmt::format("component {} has all its {} instances",
                                                           name, component->instances.limit()));
  }
  if (!shard.instances.take()) {
    component->instances.give(1);
    shard.idle.ask(shard.instances.quota());
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("the host has no instance left for component {}", name));
  }
  return std::unique_ptr<InstanceClaim>(new InstanceClaim(std::move(component), shard));
}

InstanceClaim::InstanceClaim(std::shared_ptr<ComponentRuntime> component, ShardRuntime& shard)
    : component_(std::move(component)), shard_(shard), alive_(component_->counters.instances) {}

InstanceClaim::~InstanceClaim() {
  component_->instances.give(1);
  shard_.instances.give();
}

}  // namespace nimbus::host
