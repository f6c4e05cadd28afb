#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/task.h"
#include "engine/import_set.h"
#include "engine/outgoing_request.h"
#include "host/calls/component_call.h"
#include "host/calls/passed_request.h"
#include "host/calls/shard_runtime.h"

namespace nimbus::host {

// A link by calls for HTTP requests: what serves one component's import of
// wasi:http/incoming-handler or wasi:http/handler by another component of its deployment. That one
// is called as the server calls it, by its own pool, limits and queue; of the caller it sees
// nothing. The caller's losing interest ends the call.
//
// Calls belong to the deployment, on the caller's shard.
class LinkedHandler final : public engine::RequestTarget,
                            public std::enable_shared_from_this<LinkedHandler> {
 public:
  struct Options {
    std::size_t called;                 // the component, by index
    std::vector<ShardRuntime*> shards;  // all that serve
    FailuresAs failures;
  };
  explicit LinkedHandler(Options options) : options_(std::move(options)) {}

  // Once, before the first request.
  void belongTo(std::weak_ptr<LocalDeployment> deployment) { deployment_ = std::move(deployment); }

  void start(net::Shard& shard, std::shared_ptr<engine::OutgoingRequest> request) override;

 private:
  [[nodiscard]] static Task<void> passOn(std::shared_ptr<const LinkedHandler> self,
                                         std::shared_ptr<LocalDeployment> deployment,
                                         std::size_t here,
                                         std::shared_ptr<engine::OutgoingRequest> request);

  const Options options_;
  std::weak_ptr<LocalDeployment> deployment_;
};

}  // namespace nimbus::host
