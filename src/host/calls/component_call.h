#pragma once

#include <memory>
#include <vector>

#include "base/task.h"
#include "host/calls/instance_gate.h"
#include "host/calls/local_deployment.h"
#include "host/calls/shard_runtime.h"
#include "http/handler.h"

namespace nimbus::host {

// One component of a deployment, as whoever has an HTTP request for it knows it.
struct CallTarget {
  std::shared_ptr<LocalDeployment> deployment;
  std::size_t component;
  Caller caller = Caller::kOutside;
};

// Answers one request by the component's pool: here, or on the shard that has its instances.
// `peers`: all serving shards by index. Destroying the task gives the call up.
[[nodiscard]] Task<void> callComponent(ShardRuntime& here, const std::vector<ShardRuntime*>& peers,
                                       CallTarget target, http::ServerRequest& request,
                                       http::ResponseWriter& response);

}  // namespace nimbus::host
