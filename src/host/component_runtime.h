#pragma once

#include <memory>
#include <string>

#include "engine/component.h"
#include "engine/guest_context.h"
#include "host/call_counters.h"
#include "host/call_policy.h"
#include "host/failure_log.h"
#include "host/quota.h"

namespace nimbus::host {

class EgressPolicy;

// One component of one deployment as all shards share it: immutable but for its counters.
struct ComponentRuntime {
  ComponentRuntime(std::string component_name, std::shared_ptr<const engine::Component> compiled,
                   CallPolicy calls, engine::GuestContextOptions guest,
                   std::shared_ptr<const EgressPolicy> outgoing,
                   std::unique_ptr<ComponentLog> component_log)
      : name(std::move(component_name)),
        component(std::move(compiled)),
        policy(calls),
        context_options(std::move(guest)),
        egress(std::move(outgoing)),
        log(std::move(component_log)),
        instances(policy.max_instances) {}

  const std::string name;
  const std::shared_ptr<const engine::Component> component;
  const CallPolicy policy;
  const engine::GuestContextOptions context_options;
  const std::shared_ptr<const EgressPolicy> egress;
  const std::unique_ptr<ComponentLog> log;
  Quota instances;
  CallCounters counters;
};

}  // namespace nimbus::host
