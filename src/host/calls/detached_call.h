#pragma once

#include "base/result.h"
#include "base/sync.h"
#include "base/task.h"
#include "net/shard.h"
#include "wrpc/invoker.h"

namespace nimbus::host {

// Begins the call as one of `tasks`, which goes on to its end even if the returned task is
// destroyed: an instance that several share must not depend on who is patient. Its result arrives
// with a later turn of the loop; if `tasks` end before the call does, that is kUnavailable.
[[nodiscard]] Task<Result<wrpc::Values>> detachCall(net::Shard& shard, TaskSet& tasks,
                                                    Task<Result<wrpc::Values>> call);

}  // namespace nimbus::host
