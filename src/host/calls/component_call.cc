#include "host/calls/component_call.h"

#include "host/calls/forwarded_call.h"
#include "host/calls/relay.h"

namespace nimbus::host {
namespace {

Task<void> serve(ShardRuntime& shard, CallTarget target, http::ServerRequest& request,
                 http::ResponseWriter& response) {
  if (!target.deployment->servesOn(shard.shard.index())) {
    answerOverloaded(response, target.deployment->ended() ? "the workload has been ended\n"
                                                          : "the workload is being replaced\n");
    co_return;
  }
  const LocalDeployment::Use use(*target.deployment, shard.shard);
  const auto local = target.deployment->local(shard, target.component);
  if (!local) {
    target.deployment->component(target.component)
        .log->note(LogLevel::kError, "no instances can be made", local.error().describe());
    response.sendFailure({.status = 500, .text = "the component cannot be started\n"});
    co_return;
  }
  co_await (*local)->pool().serve(request, response, target.caller);
}

// A call that another shard accepted: that one answers it if this has no instance for it, or is
// done with the deployment when the other is not.
struct Crossing {
  bool may_return;
  bool turned_away = false;
};

bool mustReturn(ShardRuntime& shard, const CallTarget& target, const Crossing& crossing) {
  LocalDeployment& deployment = *target.deployment;
  if (deployment.isService(target.component)) return false;
  if (!deployment.servesOn(shard.shard.index())) return true;
  if (!crossing.may_return) return false;
  const auto local = deployment.local(shard, target.component);
  return !local || !(*local)->pool().servesSoon();
}

Task<void> serveThere(ShardRuntime& shard, CallTarget target, std::shared_ptr<Crossing> crossing,
                      http::ServerRequest& request, http::ResponseWriter& response) {
  crossing->turned_away = mustReturn(shard, target, *crossing);
  if (crossing->turned_away) co_return;
  co_await serve(shard, target, request, response);
}

}  // namespace

Task<void> callComponent(ShardRuntime& here, const std::vector<ShardRuntime*>& peers,
                         CallTarget target, http::ServerRequest& request,
                         http::ResponseWriter& response) {
  ComponentRuntime& component = target.deployment->component(target.component);
  component.counters.total.fetch_add(1, std::memory_order_relaxed);
  const LocalDeployment::Place place =
      target.deployment->placeFor(target.component, here.shard.index());
  if (place.shardIndex() == here.shard.index() || here.closing) {
    co_await serve(here, target, request, response);
    co_return;
  }
  // So that this shard is not done with it as well, if the other is.
  const LocalDeployment::Use use(*target.deployment, here.shard);
  const auto crossing = std::make_shared<Crossing>(place.mayReturn());
  auto there = std::make_shared<ServeThere>([target, crossing](ShardRuntime& shard,
                                                               http::ServerRequest& far_request,
                                                               http::ResponseWriter& far_response) {
    return serveThere(shard, target, crossing, far_request, far_response);
  });
  co_await forwardTo(peers[place.shardIndex()], &here.shard, &request, &response, std::move(there));
  if (crossing->turned_away) co_await serve(here, target, request, response);
}

}  // namespace nimbus::host
