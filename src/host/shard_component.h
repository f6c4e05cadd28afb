#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "engine/guest_context.h"
#include "host/component_runtime.h"
#include "host/guest_host.h"
#include "host/instance_gate.h"
#include "host/instance_pool.h"
#include "host/shard_runtime.h"

namespace nimbus::host {

// One component of one deployment on one shard: its pool and what that needs. Made when the first
// request comes, so that an idle workload costs next to nothing.
class ShardComponent {
 public:
  // `warm_here`: of the component's pool size, the part that is this shard's.
  [[nodiscard]] static Result<std::unique_ptr<ShardComponent>> create(
      ShardRuntime& shard, std::shared_ptr<ComponentRuntime> component, std::uint32_t warm_here);
  ~ShardComponent();

  [[nodiscard]] InstancePool& pool() { return *pool_; }
  // No request will come any more; returns when nothing runs.
  [[nodiscard]] Task<void> drain();

 private:
  ShardComponent(ShardRuntime& shard, std::shared_ptr<ComponentRuntime> component);
  [[nodiscard]] Result<std::unique_ptr<engine::GuestContext>> makeContext(net::Shard& shard);

  std::shared_ptr<ComponentRuntime> component_;
  InstanceGate gate_;
  // One for each component of the unit, its own first.
  std::vector<std::shared_ptr<ShardGuestHost>> guest_hosts_;
  std::unique_ptr<engine::GuestContext> context_;
  std::unique_ptr<InstancePool> pool_;
};

}  // namespace nimbus::host
