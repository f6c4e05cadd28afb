#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/sync.h"
#include "base/task.h"
#include "host/bindings/workload_exports.h"
#include "host/calls/called_component.h"
#include "host/calls/component_runtime.h"
#include "host/calls/service.h"
#include "host/calls/shard_component.h"
#include "host/calls/shard_runtime.h"
#include "host/volumes/volumes.h"
#include "host/workload/runtime.h"

namespace nimbus::host {

// A deployment in this process. Its parts on the serving shards are made there when the first
// request comes, and closed there before it is destroyed.
class LocalDeployment final : public Deployment {
 public:
  LocalDeployment(std::shared_ptr<const WorkloadSpec> spec, std::uint64_t generation,
                  std::vector<std::shared_ptr<ComponentRuntime>> components,
                  std::vector<std::shared_ptr<CalledComponent>> called,
                  std::vector<OfferedComponent> offered, std::shared_ptr<Service> service,
                  std::unique_ptr<VolumeUse> volumes, std::size_t shard_count);

  [[nodiscard]] const WorkloadSpec& spec() const override { return *spec_; }
  [[nodiscard]] std::uint64_t generation() const override { return generation_; }
  [[nodiscard]] std::vector<ComponentStatus> components() const override;
  [[nodiscard]] std::optional<ServiceStatus> service() const override;

  // From now on the components' imports are served as this deployment says.
  void takeEffect() const {
    for (const auto& component : components_) component->takeEffect();
  }

  void endEffect() const {
    for (const auto& component : components_) component->endEffect();
  }
  // What other workloads may call.
  [[nodiscard]] const std::vector<OfferedComponent>& offered() const { return offered_; }

  // Null: there are none.
  [[nodiscard]] VolumeUse* volumes() const { return volumes_.get(); }

  // Null: there is none. It is started and stopped on its shard, and stopped with the deployment's
  // part there at the latest.
  [[nodiscard]] Service* runner() const { return service_.get(); }
  // Whether requests come to the service: then it ends once it has answered them, after another
  // deployment has taken over.
  [[nodiscard]] bool isServedByService() const;

  // Then it is on the service's shard only.
  [[nodiscard]] bool isService(std::size_t component) const {
    return service_ && component + 1 == components_.size();
  }

  [[nodiscard]] std::size_t componentIndex(const std::string& name) const;
  [[nodiscard]] ComponentRuntime& component(std::size_t index) { return *components_[index]; }

  // --- on a serving shard

  // On the service's own.
  void startService(ShardRuntime& shard);

  // The place of one call of a component, which counts there as long as this lives.
  class Place {
   public:
    explicit Place(std::size_t shard_index) : shard_index_(shard_index) {}
    Place(std::size_t shard_index, std::atomic<std::uint32_t>& calls, bool may_return)
        : shard_index_(shard_index), calls_(&calls), may_return_(may_return) {
      calls.fetch_add(1, std::memory_order_relaxed);
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() {
      if (calls_ != nullptr) calls_->fetch_sub(1, std::memory_order_relaxed);
    }
    [[nodiscard]] std::size_t shardIndex() const { return shard_index_; }
    // Whether warm instances are to be had where the call came in, too.
    [[nodiscard]] bool mayReturn() const { return may_return_; }

   private:
    const std::size_t shard_index_;
    std::atomic<std::uint32_t>* const calls_ = nullptr;
    const bool may_return_ = false;
  };
  // The shard that answers a request for that component which `here` accepted: `here` itself, but
  // for the service, and for a warm component that is busy there, or has no instance there at all,
  // while another shard has room, as long as the deployment is not retired.
  [[nodiscard]] Place placeFor(std::size_t component, std::size_t here);
  // Where calls of that component on that shard go.
  [[nodiscard]] Result<ShardComponent*> local(ShardRuntime& shard, std::size_t component);

  // While a request uses the deployment on this shard.
  class Use {
   public:
    Use(LocalDeployment& deployment, net::Shard& shard);
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    ~Use();

   private:
    LocalDeployment& deployment_;
    net::Shard& shard_;
  };

  // Work that is done here for the deployment's own guests: it ends with the deployment's part. Not
  // once that has ended.
  [[nodiscard]] bool servesOn(std::size_t shard_index) const {
    return !shards_[shard_index].dropped;
  }
  void runOn(std::size_t shard_index, Task<void> work) {
    shards_[shard_index].work.spawn(std::move(work));
  }

  // Any thread, before the shards are told to close: they do that at different times, so calls
  // between components stay where they are from now on.
  void retire() { retiring_.store(true, std::memory_order_relaxed); }

  // Waits for running requests, lets instances end, for at most `bound`; then ends the rest. The
  // shard routes nothing here any more.
  [[nodiscard]] Task<void> closeOn(ShardRuntime& shard, Duration bound);
  // Ends everything on that shard at once. No request may be running there.
  void dropOn(std::size_t shard_index);
  // The workload may not go on: its guests end now, and nothing begins here any more. Its routes
  // stay, as does this.
  void endOn(std::size_t shard_index, const std::string& why);
  // Any thread, before the shards are told to end it.
  void markEnded() { ended_.store(true, std::memory_order_relaxed); }
  [[nodiscard]] bool ended() const { return ended_.load(std::memory_order_relaxed); }

 private:
  // Of a component's warm instances, how many are that shard's.
  [[nodiscard]] std::uint32_t warmOn(std::size_t component, std::size_t shard_index) const;
  // How many calls they take at once.
  [[nodiscard]] std::uint32_t roomOn(std::size_t component, std::size_t shard_index) const;
  // Of one component on one shard; on a cache line of its own, as each shard writes its own.
  struct alignas(64) Load {
    std::atomic<std::uint32_t> calls{0};
    std::uint32_t room = 0;
  };
  [[nodiscard]] std::size_t leastBusy(const Load* loads, std::size_t here) const;

  // The last use tells of its end at the end of the loop's turn: it may end beneath code of the
  // pools that go then.
  struct OnShard final : net::Deferred {
    std::vector<std::unique_ptr<ShardComponent>> components;
    std::size_t uses = 0;
    bool telling = false;
    bool dropped = false;
    Event unused;
    TaskSet work;  // goes before the components it uses

    [[nodiscard]] bool inUse() const { return uses > 0 || telling; }
    void runDeferred() override {
      telling = false;
      if (uses == 0) unused.set();  // may destroy this
    }
  };
  [[nodiscard]] Task<void> drainOn(std::size_t shard_index);
  [[nodiscard]] static ComponentStatus statusOf(const ComponentRuntime& component);
  void stopServiceOn(std::size_t shard_index);

  const std::shared_ptr<const WorkloadSpec> spec_;
  const std::uint64_t generation_;
  // One for each member of the spec: the service's last.
  const std::vector<std::shared_ptr<ComponentRuntime>> components_;
  const std::vector<std::shared_ptr<CalledComponent>> called_;
  const std::vector<OfferedComponent> offered_;
  const std::shared_ptr<Service> service_;
  const std::unique_ptr<VolumeUse> volumes_;
  std::vector<OnShard> shards_;  // each touched by its shard only
  // Of each component with warm instances, by shard; null for the others, and where there is one
  // shard only.
  std::vector<std::unique_ptr<Load[]>> loads_;
  std::atomic<bool> retiring_{false};
  std::atomic<bool> ended_{false};
};

}  // namespace nimbus::host
