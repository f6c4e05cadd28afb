#include "host/gateway.h"

#include "base/check.h"
#include "host/forwarded_call.h"

namespace nimbus::host {

void Gateway::swap(LocalDeployment* previous, const std::shared_ptr<LocalDeployment>& next) {
  if (previous != nullptr) {
    const auto found = routes_of_.find(previous);
    if (found != routes_of_.end()) {
      for (const http::RouteId id : found->second) routes_.erase(id);
      routes_of_.erase(found);
    }
  }
  if (!next) return;
  std::vector<http::RouteId>& ids = routes_of_[next.get()];
  for (const RouteSpec& route : next->spec().routes) {
    const auto inserted =
        routes_.insert({.host = route.host, .path = route.path, .methods = route.methods},
                       Target{next, next->componentIndex(route.component)});
    // Conflicts between workloads were refused before anything was deployed.
    NIMBUS_CHECK(inserted.has_value());
    ids.push_back(*inserted);
  }
}

Gateway::~Gateway() {
  for (const auto& [deployment, ids] : routes_of_) deployment->dropOn(shard_.shard.index());
}

Task<void> Gateway::handle(http::ServerRequest& request, http::ResponseWriter& response) {
  const http::RequestHead& head = request.head;
  const auto match = routes_.match(head.authority, head.path, head.method);
  if (match.target == nullptr) {
    if (match.miss == http::RouteMiss::kMethodNotAllowed) {
      http::Headers extra;
      extra.add("allow", match.allow);
      http::sendText(response, 405, "method not allowed\n", extra);
    } else {
      http::sendText(response, 404, "no workload serves this address\n");
    }
    co_return;
  }
  // A copy: the route may be replaced while the request runs.
  const Target target = *match.target;
  ComponentRuntime& component = target.deployment->component(target.component);
  component.counters.total.fetch_add(1, std::memory_order_relaxed);
  const std::size_t owner = target.deployment->shardFor(target.component, shard_.shard.index());
  if (owner == shard_.shard.index()) {
    co_await serve(shard_, target, request, response);
    co_return;
  }
  auto there =
      std::make_shared<ServeThere>([target](ShardRuntime& shard, http::ServerRequest& far_request,
                                            http::ResponseWriter& far_response) {
        return serve(shard, target, far_request, far_response);
      });
  co_await forwardTo(peers_[owner], &shard_.shard, &request, &response, std::move(there));
}

Task<void> Gateway::serve(ShardRuntime& shard, Target target, http::ServerRequest& request,
                          http::ResponseWriter& response) {
  const LocalDeployment::Use use(*target.deployment, shard.shard);
  const auto local = target.deployment->local(shard, target.component);
  if (!local) {
    target.deployment->component(target.component)
        .log->note(LogLevel::kError, "no instances can be made", local.error().describe());
    http::sendText(response, 500, "the component cannot be started\n");
    co_return;
  }
  co_await (*local)->pool().serve(request, response);
}

}  // namespace nimbus::host
