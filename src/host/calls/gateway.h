#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "host/calls/component_call.h"
#include "host/calls/local_deployment.h"
#include "host/calls/shard_runtime.h"
#include "http/handler.h"
#include "http/route_table.h"

namespace nimbus::host {

// Incoming HTTP of one shard: finds the workload by host, path and method, and hands the request to
// the pool of its component.
class Gateway final : public http::Handler {
 public:
  // `peers`: all serving shards by index, filled in before the first request.
  Gateway(ShardRuntime& shard, const std::vector<ShardRuntime*>& peers)
      : shard_(shard), peers_(peers) {}
  // What the routed deployments have on this shard ends with it.
  ~Gateway() override;

  // The shard's routes to the first become routes to the second; either may be null.
  void swap(LocalDeployment* previous, const std::shared_ptr<LocalDeployment>& next);

  Task<void> handle(http::ServerRequest& request, http::ResponseWriter& response) override;

 private:
  ShardRuntime& shard_;
  const std::vector<ShardRuntime*>& peers_;
  http::RouteTable<CallTarget> routes_;
  // Also of those without routes: what they run here ends here.
  struct Served {
    std::shared_ptr<LocalDeployment> deployment;
    std::vector<http::RouteId> routes;
  };
  std::unordered_map<const LocalDeployment*, Served> served_;
};

}  // namespace nimbus::host
