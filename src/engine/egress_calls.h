#pragma once

#include <memory>

#include "engine/guest_context.h"

// How the engine reaches OutgoingRequest. Internal to src/engine.
namespace nimbus::engine {

// Fills in the egress_* functions but egress_start.
void setEgressCalls(NimbusHostCalls& calls);

// Makes the request's object, posts it to the shard and returns its token. It goes to what serves
// its import, or if it has none to `host`.
[[nodiscard]] void* startOutgoing(net::Shard& shard, std::shared_ptr<GuestHost> host,
                                  const ImportSet* imports, NimbusEgress* raw,
                                  const NimbusEgressRequest& request);

}  // namespace nimbus::engine
