#include "host/calls/linked_handler.h"

namespace nimbus::host {

using engine::OutgoingRequest;

void LinkedHandler::start(net::Shard& shard, std::shared_ptr<OutgoingRequest> request) {
  auto deployment = deployment_.lock();
  if (!deployment || !deployment->servesOn(shard.index())) {
    request->close();
    return;
  }
  LocalDeployment& owner = *deployment;
  owner.runOn(shard.index(),
              passOn(shared_from_this(), std::move(deployment), shard.index(), std::move(request)));
}

Task<void> LinkedHandler::passOn(std::shared_ptr<const LinkedHandler> self,
                                 std::shared_ptr<LocalDeployment> deployment, std::size_t here,
                                 std::shared_ptr<OutgoingRequest> request) {
  const Options& options = self->options_;
  co_await passRequest(std::move(request), options.failures,
                       [&](http::ServerRequest& passed, http::ResponseWriter& response) {
                         return callComponent(*options.shards[here], options.shards,
                                              {deployment, options.called, Caller::kInstance},
                                              passed, response);
                       });
}

}  // namespace nimbus::host
