#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/quota.h"
#include "engine/component.h"
#include "engine/guest_context.h"
#include "host/bindings/bindings.h"
#include "host/calls/call_counters.h"
#include "host/calls/call_policy.h"
#include "host/calls/failure_log.h"
#include "host/calls/guest_sockets.h"
#include "host/workload/runtime.h"

namespace nimbus::host {

class EgressPolicy;

// One component of one deployment as all shards share it: immutable but for its counters. One that
// others are composed into runs with them; each of those has a runtime of its own for what it may
// see and reach, and for its log.
struct ComponentRuntime {
  ComponentRuntime(std::string component_name, std::shared_ptr<const engine::Component> compiled,
                   CallPolicy calls, engine::GuestContextOptions guest,
                   std::shared_ptr<const EgressPolicy> outgoing,
                   std::shared_ptr<ComponentLog> component_log, std::vector<BindingUse> used,
                   std::shared_ptr<HostSockets> host_sockets = nullptr,
                   std::shared_ptr<WorkloadSockets> workload_sockets = nullptr)
      : name(std::move(component_name)),
        component(std::move(compiled)),
        policy(calls),
        context_options(std::move(guest)),
        egress(std::move(outgoing)),
        log(std::move(component_log)),
        bindings(std::move(used)),
        instances(policy.max_instances),
        sockets({.sockets = policy.max_sockets, .files = policy.max_files}, std::move(host_sockets),
                std::move(workload_sockets)) {}

  const std::string name;
  // Null if it runs only inside of others.
  const std::shared_ptr<const engine::Component> component;
  const CallPolicy policy;
  const engine::GuestContextOptions context_options;
  const std::shared_ptr<const EgressPolicy> egress;
  const std::shared_ptr<ComponentLog> log;
  std::vector<BindingUse> bindings;  // for the control shard
  // The calls to other components of its workload, as long as they may begin; likewise.
  std::vector<std::shared_ptr<CallGraph::Edge>> calls;
  // The components composed into this one, in the order of their slots after its own. Set before
  // the deployment is shared.
  std::vector<std::shared_ptr<ComponentRuntime>> inside;
  std::string digest;             // "sha256:<hex>" of its file
  std::vector<LinkStatus> links;  // what its imports resolve to among the workload's components
  Quota instances;
  GuestSockets sockets;
  CallCounters counters;

  // From now on its imports are served as its deployment says. On the control shard.
  void takeEffect() const {
    for (const BindingUse& use : bindings) use.takeEffect();
  }
  // Another deployment has taken over, or none.
  void endEffect() {
    for (BindingUse& use : bindings) use.endEffect();
    calls.clear();
  }
  [[nodiscard]] std::vector<BindingStatus> bindingStatus() const {
    std::vector<BindingStatus> all;
    for (const BindingUse& use : bindings) all.push_back(use.status());
    return all;
  }
};

}  // namespace nimbus::host
