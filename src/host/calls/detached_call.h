#pragma once

#include <functional>

#include "base/result.h"
#include "base/sync.h"
#include "base/task.h"
#include "net/shard.h"
#include "wrpc/invoker.h"

namespace nimbus::host {

// Begins the call as one of `tasks`, which goes on to its end even if the returned task is
// destroyed: an instance that several share must not depend on who is patient. Its result arrives
// with a later turn of the loop; if nobody waits for it then, `unwanted` is called, which may come
// after the end of `tasks`. If they end before the call does, that is kUnavailable.
[[nodiscard]] Task<Result<wrpc::Values>> detachCall(net::Shard& shard, TaskSet& tasks,
                                                    Task<Result<wrpc::Values>> call,
                                                    std::function<void()> unwanted);

}  // namespace nimbus::host
