#pragma once

#include <memory>
#include <string_view>

#include "engine/component.h"
#include "engine/guest_context.h"
#include "host/calls/call_policy.h"
#include "host/egress/egress.h"
#include "host/manifest/manifest.h"
#include "host/volumes/volumes.h"

// From what a manifest says of a component to what the data plane works with.
namespace nimbus::host {

// `defaults` where the manifest says nothing.
[[nodiscard]] CallPolicy callPolicyOf(const ComponentSpec& component, const CallPolicy& defaults);

// The same for a service, by what its component turned out to be.
[[nodiscard]] CallPolicy servicePolicyOf(const ServiceSpec& service,
                                         const engine::Component& component,
                                         const CallPolicy& defaults);

[[nodiscard]] engine::GuestContextOptions contextOptionsOf(const WorkloadSpec& spec,
                                                           const ComponentSpec& component,
                                                           const CallPolicy& policy,
                                                           const WorkloadVolumes* volumes);

// Whether instances of it can exist within the policy, by their memory and tables; else
// kUnsupported with both figures. `who` it is, as WorkloadSpec::describe() says.
[[nodiscard]] Result<void> checkSize(std::string_view who, const engine::Component& component,
                                     const CallPolicy& policy);

// Whether its instances can have as many calls at once as the policy says; else kUnsupported.
[[nodiscard]] Result<void> checkConcurrency(std::string_view who,
                                            const engine::Component& component,
                                            const CallPolicy& policy);

// `component` is one of that spec's.
[[nodiscard]] Loopback loopbackOf(const WorkloadSpec& spec, const ComponentSpec& component);

[[nodiscard]] Result<std::shared_ptr<const EgressPolicy>> egressPolicyOf(
    const ComponentSpec& component, const EgressOptions& host, Loopback loopback);

}  // namespace nimbus::host
