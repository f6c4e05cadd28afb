#pragma once

#include <functional>
#include <memory>

#include "base/task.h"
#include "host/calls/shard_runtime.h"
#include "http/handler.h"

namespace nimbus::host {

// Answers a request on the shard that owns the instances. Runs there.
using ServeThere =
    std::move_only_function<Task<void>(ShardRuntime&, http::ServerRequest&, http::ResponseWriter&)>;

// Has another shard answer a request that this one accepted. Content crosses in pieces, with at
// most a window of it under way in each direction; destroying the task cancels the work over there.
[[nodiscard]] Task<void> forwardTo(ShardRuntime* owner, net::Shard* here,
                                   http::ServerRequest* request, http::ResponseWriter* response,
                                   std::shared_ptr<ServeThere> serve);

}  // namespace nimbus::host
