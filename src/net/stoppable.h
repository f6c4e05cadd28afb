#pragma once

#include <optional>
#include <stop_token>
#include <utility>

#include "base/task.h"
#include "net/shard.h"

namespace nimbus::net {

// Runs the task until it completes, or until a stop is requested, from whatever thread, which
// cancels it: then false. The shard is the caller's.
[[nodiscard]] Task<bool> untilStopped(Shard& shard, Task<void> task, std::stop_token stop);

// The same for a task with a result, for ShardGroup::runTask(): `into` stays empty if it was
// stopped.
template <typename T>
Task<void> keepUnlessStopped(Shard& shard, Task<T> task, std::optional<T>* into,
                             std::stop_token stop) {
  struct Keep {
    static Task<void> run(Task<T> work, std::optional<T>* place) {
      place->emplace(co_await std::move(work));
    }
  };
  static_cast<void>(
      co_await untilStopped(shard, Keep::run(std::move(task), into), std::move(stop)));
}

}  // namespace nimbus::net
