#pragma once

#include <memory>

#include "base/result.h"
#include "host/calls/component_runtime.h"
#include "host/calls/instance_gate.h"
#include "host/calls/instance_pool.h"
#include "host/calls/service_pool.h"
#include "host/calls/shard_guests.h"
#include "host/calls/shard_runtime.h"

namespace nimbus::host {

// One component of one deployment on one shard: its pool and what that needs. Made when the first
// request comes, so that an idle workload costs next to nothing.
class ShardComponent {
 public:
  // `warm_here`: of the component's pool size, the part that is this shard's.
  [[nodiscard]] static Result<std::unique_ptr<ShardComponent>> create(
      ShardRuntime& shard, std::shared_ptr<ComponentRuntime> component, std::uint32_t warm_here);

  // The same for a service that serves HTTP, whose instance the service starts.
  [[nodiscard]] static Result<std::unique_ptr<ShardComponent>> createService(
      ShardRuntime& shard, std::shared_ptr<ComponentRuntime> component);

  [[nodiscard]] InstancePool& pool() { return *pool_; }
  // Null if it is not that of a service.
  [[nodiscard]] ServicePool* servicePool() { return service_pool_; }
  // No request will come any more; returns when nothing runs.
  [[nodiscard]] Task<void> drain();

 private:
  ShardComponent(ShardRuntime& shard, std::shared_ptr<ComponentRuntime> component);
  [[nodiscard]] Result<PoolEnvironment> makeGuests(ShardRuntime& shard);

  std::shared_ptr<ComponentRuntime> component_;
  InstanceGate gate_;
  std::unique_ptr<ShardGuests> guests_;
  std::unique_ptr<InstancePool> pool_;
  ServicePool* service_pool_ = nullptr;
};

}  // namespace nimbus::host
