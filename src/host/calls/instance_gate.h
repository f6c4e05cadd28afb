#pragma once

#include <cstdint>
#include <list>

#include "base/result.h"
#include "base/sync.h"
#include "host/calls/call_counters.h"
#include "host/calls/call_policy.h"
#include "host/calls/deadline_queue.h"
#include "host/calls/idle_instances.h"
#include "host/calls/quota_lease.h"
#include "net/shard.h"

namespace nimbus::host {

// Who asks for an instance. One who has an instance as long as it waits must not wait for one that
// only others like it could free.
enum class Caller { kOutside, kInstance };

// Admission to instances of one component on one shard: a permit for each, within the component's
// own limit and the host's, and a queue of those who wait for one. The queues of all shards
// together are bounded. While one waits, instances that idle end.
class InstanceGate {
 public:
  // The right to have one instance; gives itself back.
  class Permit {
   public:
    explicit Permit(InstanceGate& gate) : gate_(&gate) {}
    Permit(Permit&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
    Permit& operator=(Permit&&) = delete;
    ~Permit() {
      if (gate_ != nullptr) gate_->release();
    }

   private:
    InstanceGate* gate_;
  };

  // `host_instances` is the shard's lease of the host-wide count; `own` counts this component's.
  // `idle` is the shard's.
  InstanceGate(net::Shard& shard, QuotaLease& host_instances, IdleInstances& idle, Quota& own,
               std::size_t shard_count, const CallPolicy& policy, CallCounters& counters);
  ~InstanceGate();
  InstanceGate(const InstanceGate&) = delete;
  InstanceGate& operator=(const InstanceGate&) = delete;

  // At once or not at all, and not before those who wait.
  [[nodiscard]] std::optional<Permit> tryAcquire();

  // Whether there is none left of those of the whole host, while the component may have one more.
  // Then one that idles is asked for.
  [[nodiscard]] bool hostIsFull();
  // Asks for it on behalf of one that comes again, rather than wait.
  void makeRoom() { (void)hostIsFull(); }

  // An instance that has a permit idles from now on, and ends when there is need of it.
  void noteIdle(IdleInstances::Entry& entry);

  // Waits in the queue if need be. kResourceExhausted: the queue is full; kDeadlineExceeded: it
  // took too long. An instance does not wait for the last of the host's: kResourceExhausted.
  [[nodiscard]] Task<Result<Permit>> acquire(Caller caller = Caller::kOutside);
  // The same for one that keeps a queue of its own, and counts those in it.
  [[nodiscard]] Task<Result<Permit>> acquireUncounted();

 private:
  class Waiter;
  [[nodiscard]] Task<Result<Permit>> acquire(Caller caller, bool counts);
  // What has none left; null: one of both is taken.
  [[nodiscard]] Quota* takeBoth();
  void release();
  void dispatch();
  void askToBeTold(Quota& quota);

  net::Shard& shard_;
  QuotaLease& host_;
  IdleInstances& idle_;
  QuotaLease own_;
  // Whether that quota calls back once something is free.
  bool host_tells_ = false;
  bool own_tells_ = false;
  CallCounters& counters_;
  const std::size_t max_waiting_;  // on all shards
  DeadlineQueue deadlines_;
  std::list<Waiter*> waiting_;
  // Outlives the gate in callbacks that quotas hold.
  std::shared_ptr<InstanceGate*> self_;
};

}  // namespace nimbus::host
