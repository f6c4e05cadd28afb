#pragma once

#include <memory>
#include <vector>

#include "base/log.h"
#include "engine/component_invoker.h"
#include "host/component_runtime.h"
#include "host/shard_guests.h"
#include "host/shard_runtime.h"
#include "wrpc/invoker.h"

namespace nimbus::host {

// One component of one deployment as others of it call it: a link by calls. Each instance of a
// caller has an instance of its own here, on its shard, with what is this component's (environment,
// volumes, hosts, bindings, limits) and for as long as the caller lives. Instances count against
// the component's maxInstances and the host's; where there is none left, the call fails with
// kResourceExhausted instead of waiting, because its caller holds one meanwhile.
//
// Belongs to its deployment, which ends it shard by shard, after the instances of callers there.
class CalledComponent final : public engine::GuestEnvironment {
 public:
  CalledComponent(std::shared_ptr<ComponentRuntime> component, std::vector<ShardRuntime*> shards);
  ~CalledComponent() override;

  // What callers call. `log` outlives it.
  [[nodiscard]] static std::shared_ptr<wrpc::Invoker> invokerOf(
      const std::shared_ptr<CalledComponent>& called, Logger& log);

  // On that shard; nothing is admitted there any more.
  void dropOn(std::size_t shard_index);

 private:
  [[nodiscard]] engine::Poller& poller(net::Shard& shard) override;
  [[nodiscard]] const engine::GuestContext& context(net::Shard& shard) override;
  [[nodiscard]] Result<std::shared_ptr<void>> admit(net::Shard& shard) override;

  class Permit;
  struct OnShard {
    ShardRuntime* runtime = nullptr;
    std::unique_ptr<ShardGuests> guests;  // null until an instance is admitted
    bool dropped = false;
  };
  const std::shared_ptr<ComponentRuntime> component_;
  std::vector<OnShard> shards_;  // each touched by its shard only
};

}  // namespace nimbus::host
