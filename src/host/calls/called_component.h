#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "base/log.h"
#include "base/sync.h"
#include "base/task.h"
#include "engine/component_invoker.h"
#include "host/calls/component_runtime.h"
#include "host/calls/restart_pace.h"
#include "host/calls/shard_guests.h"
#include "host/calls/shard_runtime.h"
#include "host/calls/shared_instance.h"
#include "host/manifest/manifest.h"
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
// One that is shared has one instance on a shard for all callers there (SharedInstance), made by
// the first call and made anew by the next one after it failed; after too many failures in a row
// calls fail with kUnavailable.
//
// Belongs to its deployment, which ends it shard by shard, after its own callers' instances there.
class CalledComponent final : public engine::GuestEnvironment {
 public:
  CalledComponent(std::shared_ptr<ComponentRuntime> component, std::vector<ShardRuntime*> shards,
                  std::optional<SharedSpec> shared = std::nullopt);
  ~CalledComponent() override;

  // What callers call. `log` outlives it.
  [[nodiscard]] static std::shared_ptr<wrpc::Invoker> invokerOf(
      const std::shared_ptr<CalledComponent>& called, Logger& log);

  // On that shard: complete once no caller has an instance there, or may call the shared one.
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
  bool tellFailure(net::Shard& shard, engine::CallOutcome::Kind kind,
                   std::string_view reason) override;

  [[nodiscard]] Error ended() const;
  [[nodiscard]] std::size_t overlapping() const;  // calls at once, on one instance

  class Permit;
  class SharedInvoker;
  class SharedSession;
  struct OnShard {
    ShardRuntime* runtime = nullptr;
    std::unique_ptr<ShardGuests> guests;  // null until an instance is admitted
    std::list<engine::LiveSession*> alive;
    Event none_alive;  // set while there is none
    bool dropped = false;
    std::unique_ptr<SharedInstance> shared;  // null until it is called, and once it is dropped
    std::optional<RestartPace> pace;         // of the shared one
    bool no_room = false;                    // for the instance that ends next
    bool given_up = false;
  };
  // An instance has ended, after it had lived for so long.
  void noteEnd(OnShard& here, Duration lived);

  const std::shared_ptr<ComponentRuntime> component_;
  const std::optional<SharedSpec> shared_;
  std::vector<OnShard> shards_;  // each touched by its shard only
};

}  // namespace nimbus::host
