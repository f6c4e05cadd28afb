#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "engine/component.h"
#include "engine/exchange.h"
#include "engine/guest_context.h"
#include "engine/poller.h"

namespace nimbus::engine {

// One HTTP call on an instance of its own, which is made at the first poll and ends with the call.
// Destroying it ends the guest wherever it is.
//
//   FreshCall call(poller, component, context, std::move(exchange), cpu_limit);
//   call.poll();                      // may already leave a complete response in the exchange
//   co_await call.exchange().changed().wait();
class FreshCall final : Poller::Client {
 public:
  // `cpu_limit`: CPU time the guest may use in all; then the exchange is abandoned (kCpuLimit).
  FreshCall(Poller& poller, std::shared_ptr<const Component> component, const GuestContext& context,
            std::unique_ptr<Exchange> exchange, Duration cpu_limit);
  ~FreshCall();

  // The first poll; later ones come by waking. Must not be called from the exchange's events.
  void poll();

  // Where the guest computes, to be told with why its call is given up, which must follow; empty if
  // it does not. Lets it compute for a tick.
  [[nodiscard]] std::string place();

  [[nodiscard]] Exchange& exchange() { return *exchange_; }
  // The guest has ended, its instance is gone.
  [[nodiscard]] bool done() const { return done_; }
  [[nodiscard]] Duration cpuTime() const { return cpu_time_; }

 private:
  void onWake() override { poll(); }
  void pollGuest();

  Poller& poller_;
  std::shared_ptr<const Component> component_;
  std::unique_ptr<Exchange> exchange_;
  NimbusCall* call_;
  std::uint64_t token_;
  Duration cpu_limit_;
  Duration cpu_time_{};
  bool computes_ = false;  // was cut short by its last poll
  bool done_ = false;
};

}  // namespace nimbus::engine
