#pragma once

#include <cstddef>
#include <functional>
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
// guest is done with it. The instance is ended when such requests have all its places, or are all
// that keeps it from ending, or when it computes at a stretch, while requests are on it, for longer
// than one may.
class ServicePool final : public WarmPool {
 public:
  explicit ServicePool(PoolEnvironment environment);

  // Makes an instance, calls `began`, and returns how it ended; not while there is one. Destroying
  // the task ends the instance.
  [[nodiscard]] Task<engine::CallOutcome> run(std::function<void()> began);

  // What requests are told until the next run, those that wait here at once. Due after each run.
  struct Absence {
    std::string reason;
    bool comes_back = true;
  };
  void setAbsence(Absence absence);
  // No request will come any more: there is no instance after this one.
  [[nodiscard]] bool isLast() const { return last_; }

  Task<void> serve(http::ServerRequest& request, http::ResponseWriter& response,
                   Caller caller) override;
  // Answers the requests that are here, then ends the instance; it is the last from the beginning.
  Task<void> drain() override;

 private:
  class Run;
  class Request;

  [[nodiscard]] Result<void> checkServes() const override;
  void refuse(http::ResponseWriter& response, const Error& why) const override;
  [[nodiscard]] bool mayAddSlot() const override { return false; }
  void onIdle(const SlotPointer& /*slot*/) override {}
  [[nodiscard]] bool chargeCalls(const SlotPointer& slot, Duration cpu) override;
  void checkUnaskedCpu(const SlotPointer& /*slot*/) override {}
  void onUnwanted(const SlotPointer& /*slot*/) override {}
  void endForCpu(const SlotPointer& slot) override;
  void onCallTimeout(WarmCall& call) override;
  void onEnded(engine::WarmInstance& instance) override;

  [[nodiscard]] bool runs() const;
  // Whether it is of no more use for the requests that took too long.
  [[nodiscard]] bool isBlocked() const;
  void checkBlocked();
  void endIfBlocked();
  // The instance is of no more use.
  void end(const SlotPointer& slot, engine::CallOutcome outcome);

  const engine::WarmInstance::Beside beside_;
  Absence absence_{.reason = "the service is being started"};
  SlotPointer slot_;  // of the run; null: there is none
  std::optional<engine::CallOutcome> outcome_;
  Event ended_;
  bool last_ = false;
  std::size_t requests_ = 0;  // here, whether on the instance or not
  const std::shared_ptr<Event> answered_ = std::make_shared<Event>();  // all of them, at the last
  net::Timer blocked_timer_;
};

}  // namespace nimbus::host
