#pragma once

#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "host/calls/component_call.h"
#include "host/calls/local_deployment.h"
#include "host/calls/shard_runtime.h"
#include "http/handler.h"
#include "http/route_table.h"

namespace nimbus::host {

// Routes to `previous` become routes to `next`; either may be null.
struct RouteChange {
  std::shared_ptr<LocalDeployment> previous;
  std::shared_ptr<LocalDeployment> next;
};

// Incoming HTTP of one shard: finds the workload by host, path and method, and hands the request to
// the pool of its component.
class Gateway final : public http::Handler {
 public:
  // `peers`: all serving shards by index, filled in before the first request.
  Gateway(ShardRuntime& shard, const std::vector<ShardRuntime*>& peers)
      : shard_(shard), peers_(peers) {}
  // What the routed deployments have on this shard ends with it.
  ~Gateway() override;

  // All old routes go before the first new one comes.
  void change(std::span<const RouteChange> changes);

  Task<void> handle(http::ServerRequest& request, http::ResponseWriter& response) override;

 private:
  void remove(const LocalDeployment& previous);
  void add(const std::shared_ptr<LocalDeployment>& next);

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
