#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/sync.h"
#include "base/task.h"
#include "engine/exchange.h"
#include "engine/warm_instance.h"
#include "host/calls/warm_pool.h"
#include "net/shard.h"

namespace nimbus::host {

// The one instance of a service that serves HTTP, as long as it runs. Requests find room on it or
// wait in a bounded queue; while none runs they get 503. What the service keeps is worth more than
// a request: one that takes too long is given up by its client alone, and keeps its place until the
// guest is done with it. The instance is ended when such requests have all its places, or when it
// computes at a stretch, while requests are on it, for longer than one may.
class ServicePool final : public WarmPool {
 public:
  ServicePool(PoolEnvironment environment, std::size_t max_queue);

  // Makes an instance and returns how it ended; not while there is one. Destroying the task ends
  // the instance.
  [[nodiscard]] Task<engine::CallOutcome> run();

  // What requests are told until the next run.
  struct Absence {
    std::string reason;
    bool comes_back = true;
  };
  void setAbsence(Absence absence);
  // No request will come any more: the instance ends with those that are here, and is the last.
  [[nodiscard]] bool isLast() const { return draining(); }

  Task<void> serve(http::ServerRequest& request, http::ResponseWriter& response,
                   Caller caller) override;

 private:
  class Run;

  [[nodiscard]] Result<void> checkServes() const override;
  [[nodiscard]] bool mayAddSlot() const override { return false; }
  void onIdle(const SlotPointer& /*slot*/) override {}
  [[nodiscard]] bool chargeCalls(const SlotPointer& slot, Duration cpu) override;
  void checkUnaskedCpu(const SlotPointer& /*slot*/) override {}
  void endForCpu(const SlotPointer& slot) override;
  void onCallTimeout(WarmCall& call) override;
  void onEnded(engine::WarmInstance& instance) override;

  [[nodiscard]] bool runs() const;
  [[nodiscard]] bool isBlocked(const WarmSlot& slot) const;
  void endIfBlocked();
  // The instance is of no more use.
  void end(const SlotPointer& slot, engine::CallOutcome outcome);

  const engine::WarmInstance::Beside beside_;
  Absence absence_{.reason = "the service is being started"};
  SlotPointer slot_;  // of the run; null: there is none
  std::optional<engine::CallOutcome> outcome_;
  Event ended_;
  net::Timer blocked_timer_;
};

}  // namespace nimbus::host
