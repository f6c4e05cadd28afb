#pragma once

#include <stop_token>

#include "base/task.h"
#include "net/shard.h"

namespace nimbus::net {

// Complete once that is requested, on any thread. On the shard.
[[nodiscard]] Task<void> untilStopped(Shard& shard, std::stop_token stop);

}  // namespace nimbus::net
