#pragma once

#include <list>
#include <memory>
#include <vector>

#include "base/log.h"
#include "base/sync.h"
#include "base/task.h"
#include "engine/component_invoker.h"
#include "host/calls/component_runtime.h"
#include "host/calls/shard_guests.h"
#include "host/calls/shard_runtime.h"
#include "wrpc/invoker.h"

namespace nimbus::host {

// One component of one deployment as others of it call it: a link by calls. Each instance of a
// caller has an instance of its own here, on its shard, with what is this component's (environment,
// volumes, hosts, bindings, limits) and for as long as the caller lives. Instances count against
// the component's maxInstances and the host's; where there is none left, the call fails with
// kResourceExhausted instead of waiting, because its caller holds one meanwhile.
//
// Components of other workloads may call it too (workload_exports.h); their instances of it may be
// alive when the deployment ends, and are cut off then.
//
// Belongs to its deployment, which ends it shard by shard, after its own callers' instances there.
class CalledComponent final : public engine::GuestEnvironment {
 public:
  CalledComponent(std::shared_ptr<ComponentRuntime> component, std::vector<ShardRuntime*> shards);
  ~CalledComponent() override;

  // What callers call. `log` outlives it.
  [[nodiscard]] static std::shared_ptr<wrpc::Invoker> invokerOf(
      const std::shared_ptr<CalledComponent>& called, Logger& log);

  // On that shard: complete once no caller has an instance there.
  [[nodiscard]] Task<void> idleOn(std::size_t shard_index);
  // On that shard; nothing is admitted there any more, and what is alive ends.
  void dropOn(std::size_t shard_index);

 private:
  [[nodiscard]] engine::Poller& poller(net::Shard& shard) override;
  [[nodiscard]] const engine::GuestContext& context(net::Shard& shard) override;
  [[nodiscard]] Result<std::shared_ptr<void>> admit(net::Shard& shard,
                                                    engine::LiveSession& session) override;
  void callBegan() override;
  void callEnded(Ended how) override;

  [[nodiscard]] Error ended() const;

  class Permit;
  struct OnShard {
    ShardRuntime* runtime = nullptr;
    std::unique_ptr<ShardGuests> guests;  // null until an instance is admitted
    std::list<engine::LiveSession*> alive;
    Event none_alive;  // set while there is none
    bool dropped = false;
  };
  const std::shared_ptr<ComponentRuntime> component_;
  std::vector<OnShard> shards_;  // each touched by its shard only
};

}  // namespace nimbus::host
