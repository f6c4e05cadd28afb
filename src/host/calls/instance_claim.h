#pragma once

#include <memory>

#include "base/result.h"
#include "host/calls/call_counters.h"
#include "host/calls/component_runtime.h"
#include "host/calls/shard_runtime.h"

namespace nimbus::host {

// One instance of a component that no pool has: within the component's limit and the host's, and
// counted, as long as this lives. On the shard where the instance is.
class InstanceClaim {
 public:
  // kResourceExhausted: the component has all its instances, or the host has. Then one that idles
  // ends for those that come later.
  [[nodiscard]] static Result<std::unique_ptr<InstanceClaim>> take(
      std::shared_ptr<ComponentRuntime> component, ShardRuntime& shard);
  InstanceClaim(const InstanceClaim&) = delete;
  InstanceClaim& operator=(const InstanceClaim&) = delete;
  ~InstanceClaim();

 private:
  InstanceClaim(std::shared_ptr<ComponentRuntime> component, ShardRuntime& shard);

  const std::shared_ptr<ComponentRuntime> component_;
  ShardRuntime& shard_;
  Counted alive_;
};

}  // namespace nimbus::host
