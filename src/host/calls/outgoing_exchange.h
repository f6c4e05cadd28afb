#pragma once

#include <memory>
#include <string>

#include "base/task.h"
#include "engine/outgoing_request.h"
#include "host/calls/component_runtime.h"
#include "host/egress/egress.h"
#include "http/client.h"

namespace nimbus::host {

// Carries out one outgoing request of a component's guest: checks it against the policy, sends it,
// and moves content both ways until its end, an error, or the guest's loss of interest. Connections
// are shared among requests of one workload only.
[[nodiscard]] Task<void> carryOut(std::shared_ptr<engine::OutgoingRequest> request,
                                  std::shared_ptr<ComponentRuntime> component,
                                  http::Client* client);

// Returns when its guest is not interested any more.
[[nodiscard]] Task<void> untilCancelled(std::shared_ptr<engine::OutgoingRequest> request);

}  // namespace nimbus::host
