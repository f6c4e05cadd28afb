#include "host/calls/component_call.h"

#include "host/calls/forwarded_call.h"
#include "host/calls/relay.h"

namespace nimbus::host {
namespace {

Task<void> serve(ShardRuntime& shard, CallTarget target, http::ServerRequest& request,
                 http::ResponseWriter& response) {
  // The other shard may be done with the deployment when the caller's is not.
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

}  // namespace

Task<void> callComponent(ShardRuntime& here, const std::vector<ShardRuntime*>& peers,
                         CallTarget target, http::ServerRequest& request,
                         http::ResponseWriter& response) {
  ComponentRuntime& component = target.deployment->component(target.component);
  component.counters.total.fetch_add(1, std::memory_order_relaxed);
  const std::size_t owner = target.deployment->shardFor(target.component, here.shard.index());
  if (owner == here.shard.index()) {
    co_await serve(here, target, request, response);
    co_return;
  }
  auto there =
      std::make_shared<ServeThere>([target](ShardRuntime& shard, http::ServerRequest& far_request,
                                            http::ResponseWriter& far_response) {
        return serve(shard, target, far_request, far_response);
      });
  co_await forwardTo(peers[owner], &here.shard, &request, &response, std::move(there));
}

}  // namespace nimbus::host
