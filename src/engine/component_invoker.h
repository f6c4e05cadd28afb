#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "engine/component.h"
#include "engine/exchange.h"
#include "engine/guest_context.h"
#include "engine/poller.h"
#include "wrpc/invoker.h"

namespace nimbus::engine {

// A session that has an instance.
class LiveSession {
 public:
  // Ends the instance; calls on it fail like that. Not while the guest runs.
  virtual void cutOff(const Error& why) = 0;

 protected:
  ~LiveSession() = default;
};

// What instances of one component run in, by shard. Any shard's thread, for itself.
class GuestEnvironment {
 public:
  virtual ~GuestEnvironment() = default;
  [[nodiscard]] virtual Poller& poller(net::Shard& shard) = 0;
  [[nodiscard]] virtual const GuestContext& context(net::Shard& shard) = 0;

  // Asked before an instance is made there; what is returned goes with the instance, which
  // `session` has for so long. An error is that of the call which needs it.
  [[nodiscard]] virtual Result<std::shared_ptr<void>> admit(net::Shard& /*shard*/,
                                                            LiveSession& /*session*/) {
    return std::shared_ptr<void>();
  }

  // Each call on an instance, and how it ended.
  enum class Ended { kWell, kFailed };
  virtual void callBegan() {}
  virtual void callEnded(Ended /*how*/) {}
  // Why a call failed that the guest or a limit ended, or that there was no instance for; before
  // the instance goes, if it does. False: nobody was told.
  virtual bool tellFailure(net::Shard& /*shard*/, CallOutcome::Kind /*kind*/,
                           std::string_view /*reason*/) {
    return false;
  }
};

// Whether parameters may be owned resources of those who provide the component's imports. A handle
// is then taken as the session knows it that the called instance has open with the provider, and
// nothing checks that the caller had it from there: only for callers that make such sessions
// themselves.
enum class ProvidedResources { kRefused, kAccepted };

struct ComponentInvokerOptions {
  // Calls that overlap on one instance, where the component was made for that.
  std::uint32_t max_concurrent = 16;
  // CPU time that the calls which are on an instance together may use, per call. One that ends
  // takes its part with it.
  Duration cpu_limit = std::chrono::seconds(10);
  // Of one call, if its own deadline is not earlier.
  Duration time_limit = std::chrono::seconds(60);
  ProvidedResources provided_resources = ProvidedResources::kRefused;
};

// A session with a component that may serve HTTP, too, and that several may share.
class ExchangeSession : public wrpc::Session {
 public:
  // As invoke() for those who share it: the resources that the call returns have that owner, a
  // number other than 0.
  [[nodiscard]] virtual Eventual<Result<wrpc::Values>> invokeFor(std::uint64_t owner,
                                                                 const wrpc::CallContext& context,
                                                                 wrpc::FunctionId function,
                                                                 wrpc::Values params) = 0;
  // Drops all resources that these owners have at present.
  virtual void disown(std::uint64_t first, std::uint64_t last) = 0;
  // Has the session's instance serve the exchange, as one of the calls on it and within their
  // limits; where calls do not overlap it waits for its turn. The exchange lives until it is
  // released, or has nothing before it but the end of the session. An error is one of invoke().
  [[nodiscard]] virtual Result<void> submit(Exchange& exchange) = 0;
  // There is an instance, and it serves on.
  [[nodiscard]] virtual bool lives() const = 0;
};

// The exports of a component as something that can be called. Each session has an instance of its
// own, made by its first call: consumers never meet in one, and a resource that a call returned
// lives in the instance as long as the session. After a trap, or when a call had to be cut off, the
// next call has a new instance; resources of the old one are unknown to it.
//
// Parameters are checked before the guest is entered (kProtocol). Errors of a guest: kTrap (its
// backtrace is in the log), kDeadlineExceeded, kResourceExhausted (CPU time, memory, no slot),
// kUnavailable (another call ended the instance).
class ComponentInvoker final : public wrpc::Invoker {
 public:
  // `log` outlives it.
  ComponentInvoker(std::shared_ptr<const Component> component,
                   std::shared_ptr<GuestEnvironment> environment, ComponentInvokerOptions options,
                   Logger& log);
  ~ComponentInvoker() override;

  // An interface is found in a compatible version too. kUnsupported: its types cannot cross. The
  // ids are those of every ComponentInvoker over the component.
  [[nodiscard]] Result<wrpc::FunctionId> resolve(const wrpc::FunctionName& name) override;
  [[nodiscard]] std::unique_ptr<wrpc::Session> open(
      net::Shard& shard, std::shared_ptr<const wrpc::Consumer> consumer) override;
  [[nodiscard]] std::unique_ptr<ExchangeSession> openForExchanges(net::Shard& shard);

 private:
  struct Shared;
  class Session;
  std::shared_ptr<Shared> shared_;
};

}  // namespace nimbus::engine
