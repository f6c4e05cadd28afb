#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "engine/guest_context.h"
#include "host/calls/component_runtime.h"
#include "host/calls/guest_host.h"
#include "host/calls/shard_runtime.h"

namespace nimbus::host {

// What the instances of one component, and those composed into it, see of this host on one shard:
// each its own. Made and destroyed there.
class ShardGuests {
 public:
  [[nodiscard]] static Result<std::unique_ptr<ShardGuests>> create(
      ShardRuntime& shard, const std::shared_ptr<ComponentRuntime>& component);
  // Tasks that carry out requests of guests use this shard's client: they end here, even if an
  // instance somewhere still holds the guest host.
  ~ShardGuests();
  ShardGuests(const ShardGuests&) = delete;
  ShardGuests& operator=(const ShardGuests&) = delete;

  [[nodiscard]] const engine::GuestContext& context() const { return *context_; }

 private:
  ShardGuests() = default;

  // One for each component of the unit, its own first.
  std::vector<std::shared_ptr<ShardGuestHost>> hosts_;
  std::unique_ptr<engine::GuestContext> context_;
};

}  // namespace nimbus::host
