#include "host/calls/gateway.h"

#include "base/check.h"

namespace nimbus::host {

void Gateway::change(std::span<const RouteChange> changes) {
  for (const RouteChange& change : changes)
    if (change.previous) remove(*change.previous);
  for (const RouteChange& change : changes)
    if (change.next) add(change.next);
}

void Gateway::remove(const LocalDeployment& previous) {
  const auto found = served_.find(&previous);
  if (found == served_.end()) return;
  for (const http::RouteId id : found->second.routes) routes_.erase(id);
  served_.erase(found);
}

void Gateway::add(const std::shared_ptr<LocalDeployment>& next) {
  Served& served = served_[next.get()];
  served.deployment = next;
  for (const RouteSpec& route : next->spec().routes) {
    const auto inserted =
        routes_.insert({.host = route.host, .path = route.path, .methods = route.methods},
                       CallTarget{next, next->componentIndex(route.component)});
    // Conflicts between workloads were refused before anything was deployed.
    NIMBUS_CHECK(inserted.has_value());
    served.routes.push_back(*inserted);
  }
}

Gateway::~Gateway() {
  for (const auto& [key, served] : served_) served.deployment->dropOn(shard_.shard.index());
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
  co_await callComponent(shard_, peers_, CallTarget(*match.target), request, response);
}

}  // namespace nimbus::host
