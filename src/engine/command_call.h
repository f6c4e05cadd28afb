#pragma once

#include <memory>
#include <optional>

#include "base/sync.h"
#include "engine/component.h"
#include "engine/exchange.h"
#include "engine/guest_context.h"
#include "engine/poller.h"

namespace nimbus::engine {

// One run of wasi:cli/run on an instance of its own. Destroying it ends the guest; so does using
// more CPU time than the limit, at the next poll's end (kCpuLimit).
class CommandCall final : Poller::Client {
 public:
  CommandCall(Poller& poller, std::shared_ptr<const Component> component,
              const GuestContext& context, Duration cpu_limit = Duration::max());
  ~CommandCall();

  // Runs to the end.
  [[nodiscard]] Task<CallOutcome> run();

 private:
  void onWake() override;
  void endForCpu(Poller::Polled last);

  Poller& poller_;
  std::shared_ptr<const Component> component_;
  NimbusCall* call_;
  std::uint64_t token_;
  const Duration cpu_limit_;
  Duration cpu_time_{};
  Duration stretch_{};  // of it, since the guest last waited
  std::optional<CallOutcome> outcome_;
  Event ended_;
};

}  // namespace nimbus::engine
