#pragma once

#include <memory>
#include <string>

#include "base/sync.h"
#include "base/task.h"
#include "engine/component.h"
#include "engine/guest_context.h"
#include "engine/poller.h"
#include "host/calls/call_counters.h"
#include "host/calls/call_policy.h"
#include "host/calls/failure_log.h"
#include "host/calls/instance_gate.h"
#include "http/handler.h"

namespace nimbus::host {

// What the calls of one component on one shard need; lives longer than its pool.
struct PoolEnvironment {
  engine::Poller& poller;
  std::shared_ptr<const engine::Component> component;
  const engine::GuestContext& context;
  const CallPolicy& policy;
  CallCounters& counters;
  ComponentLog& log;
  InstanceGate& gate;
};

// Answers HTTP requests with instances of one component on one shard. Lives until drained; the
// tasks of serve() must be gone before it is destroyed.
class InstancePool {
 public:
  virtual ~InstancePool() = default;

  // Answers one request. Destroying the task gives the call up.
  [[nodiscard]] virtual Task<void> serve(http::ServerRequest& request,
                                         http::ResponseWriter& response, Caller caller) = 0;

  // Whether a call would be served here, now or after others, rather than wait for an instance that
  // may never be had.
  [[nodiscard]] virtual bool servesSoon() { return true; }

  // No request will come any more, and those that are here end now.
  virtual void endCalls(const std::string& why) = 0;

  // No request will come any more: warm instances end, and this returns when nothing runs.
  [[nodiscard]] virtual Task<void> drain() = 0;
};

// A fresh instance for every call.
[[nodiscard]] std::unique_ptr<InstancePool> makeFreshPool(PoolEnvironment environment);

// Up to `max_warm` instances kept for reuse on this shard.
[[nodiscard]] std::unique_ptr<InstancePool> makeWarmPool(PoolEnvironment environment,
                                                         std::uint32_t max_warm);

}  // namespace nimbus::host
