#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "engine/component.h"
#include "engine/exchange.h"
#include "engine/guest_context.h"
#include "engine/poller.h"

namespace nimbus::engine {

// One instance that serves call after call; for P3 several at once. The instance is made at the
// first poll. Calls share its fate: when one traps, all of them end. One that is kept does what a
// service does.
class WarmInstance final : Poller::Client {
 public:
  // Hears about its instance after each poll, before the exchanges that changed are notified.
  class Owner {
   public:
    // `cpu`: used by this poll. `stretch`: CPU time the guest has been running without waiting for
    // anything, over as many polls as that took.
    virtual void onPolled(WarmInstance& instance, Duration cpu, Duration stretch) = 0;
    // The instance is gone; every call that was on it has its outcome. Not called by destruction.
    // The owner destroys the instance later, not from here.
    virtual void onEnded(WarmInstance& instance) = 0;

   protected:
    ~Owner() = default;
  };

  WarmInstance(Poller& poller, std::shared_ptr<const Component> component,
               const GuestContext& context, std::uint32_t max_concurrent, Owner& owner);
  // Calls still on it end as kCollateral, or kNotStarted.
  ~WarmInstance();

  // Has it do what a service does: it lives on beside its calls, which end as collateral if it is
  // what fails. `kRun`: wasi:cli/run, which it exports in 0.3; once that has returned well, the
  // instance goes on serving. Before anything else is done with it.
  enum class Beside { kNothing, kRun };
  void keep(Beside beside);
  // Of one that is kept and has ended: why. kCollateral: because of one of its calls.
  [[nodiscard]] const CallOutcome& keptOutcome() const { return kept_outcome_; }

  // Gives it a call; runs no guest code before the end of this loop turn, so that calls which
  // arrive together are polled together. The exchange outlives the call, or is destroyed first.
  void submit(Exchange& exchange);

  // Where its guest computes, to be told with why it is ended; empty if it does not. Lets it
  // compute for a tick, with all that a poll may bring, also the end of this object.
  [[nodiscard]] std::string place();

  // Takes no more calls and ends when those on it are done.
  void close();
  [[nodiscard]] bool ended() const { return ended_; }

 private:
  void onWake() override;

  Poller& poller_;
  std::shared_ptr<const Component> component_;
  Owner& owner_;
  NimbusWorker* worker_;
  std::uint64_t token_;
  Exchange::ChangeList changes_;
  CallOutcome kept_outcome_;
  Duration stretch_{};
  bool computes_ = false;  // was cut short by its last poll
  bool ended_ = false;
};

}  // namespace nimbus::engine
