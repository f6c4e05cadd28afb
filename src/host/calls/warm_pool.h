#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "host/calls/instance_pool.h"
#include "host/calls/relay.h"
#include "host/calls/warm_slot.h"

namespace nimbus::host {

// Instances that are kept between calls. A call goes to the least busy instance with room, else to
// a new one while there may be more, else it waits in a bounded queue. An instance takes no more
// calls once it has served its number, idled too long, or had a call time out on it; after a
// time-out the other calls on it get a grace period before it is ended. So do calls whose clients
// are gone, if there are no others on it.
class WarmPool : public InstancePool,
                 public Seat::Owner,
                 public WarmCall::Owner,
                 public engine::WarmInstance::Owner {
 public:
  WarmPool(PoolEnvironment environment, std::uint32_t max_warm);
  ~WarmPool() override;

  Task<void> serve(http::ServerRequest& request, http::ResponseWriter& response,
                   Caller caller) override;
  [[nodiscard]] bool servesSoon() override;
  void endCalls(const std::string& why) override;
  Task<void> drain() override;

 protected:
  using SlotPointer = std::shared_ptr<WarmSlot>;

  // --- what a pool of another kind does otherwise
  // Why no call can be given to an instance, now or soon.
  [[nodiscard]] virtual Result<void> checkServes() const;
  [[nodiscard]] virtual bool mayAddSlot() const;
  virtual void refuse(http::ResponseWriter& response, const Error& why) const;
  virtual void onIdle(const SlotPointer& slot);
  // Charges the calls on the instance with CPU time. Whether one of them has used up its own.
  [[nodiscard]] virtual bool chargeCalls(const SlotPointer& slot, Duration cpu);
  virtual void checkUnaskedCpu(const SlotPointer& slot);
  // The client of a call on the instance is gone. It may finish, for a while.
  virtual void onUnwanted(const SlotPointer& slot);
  // Something on the instance has used up its CPU time.
  virtual void endForCpu(const SlotPointer& slot);
  void onCallTimeout(WarmCall& call) override;
  void onEnded(engine::WarmInstance& instance) override;

  [[nodiscard]] SlotPointer addSlot(InstanceGate::Permit permit);
  void kill(const SlotPointer& slot);
  // Answers the only call on the instance: it has used up its CPU time, at that place.
  static void blame(const SlotPointer& slot, const std::string& place);
  // Calls that wait for an instance wait no more.
  void dismissWaiting() { queue_deadlines_.expireAll(); }
  [[nodiscard]] const PoolEnvironment& environment() const { return environment_; }
  [[nodiscard]] std::uint32_t maxConcurrency() const { return max_concurrency_; }

 private:
  class Waiter;

  // --- admission
  [[nodiscard]] Task<Result<Seat>> admit(Caller caller);
  [[nodiscard]] SlotPointer freeSlot() const;
  [[nodiscard]] Seat takeSeat(SlotPointer slot);
  void dispatch();
  void dispatchLater();
  // Waits for a permit on behalf of those who wait here.
  void seek();
  [[nodiscard]] Task<void> seekPermit();

  // --- one call
  enum class Attempt { kOver, kAgain };
  [[nodiscard]] Task<Attempt> serveOnce(http::ServerRequest& request, RequestContent& content,
                                        http::ResponseWriter& response, Caller caller);
  [[nodiscard]] Attempt judge(WarmCall& call, RelayResult result, http::ResponseWriter& response);
  void letFinish(std::unique_ptr<WarmCall> call);
  [[nodiscard]] Task<void> finish(std::unique_ptr<WarmCall> call);

  // --- the end of instances
  void endWhenDone(const SlotPointer& slot);
  void endAfterGrace(const SlotPointer& slot);
  void checkUnwanted(const SlotPointer& slot);
  void retireIdle();
  // Nothing is on the instance, and nothing will be.
  void retire(const SlotPointer& slot);
  void idles(const SlotPointer& slot);
  [[nodiscard]] SlotPointer find(const engine::WarmInstance& instance) const;

  void charge(const SlotPointer& slot, Duration cpu, Duration stretch);
  // Takes no more calls on the instance, while those on it go on; others are made in its place.
  // False: no other takes calls or may be made, or as many stand aside as the pool has instances.
  bool setAside(const SlotPointer& slot);
  // Sets it aside, and counts anew what the calls on it compute.
  [[nodiscard]] bool seclude(const SlotPointer& slot);

  void onSeatFree(SlotPointer slot) override;
  void onPolled(engine::WarmInstance& instance, Duration cpu, Duration stretch) override;

  PoolEnvironment environment_;
  const std::uint32_t max_warm_;
  const std::uint32_t max_concurrency_;
  DeadlineQueue deadlines_;
  DeadlineQueue queue_deadlines_;
  net::Timer idle_timer_;
  std::vector<SlotPointer> slots_;  // all whose instance has not ended
  std::list<Waiter*> waiting_;
  bool draining_ = false;
  bool seeking_ = false;
  std::string ended_because_;  // empty: it is not
  Event all_ended_;
  // Tells work that was posted whether the pool still exists.
  std::shared_ptr<WarmPool*> self_;
  TaskSet seekers_;  // last: their tasks use everything above
  TaskSet finishing_;
};

}  // namespace nimbus::host
