#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/result.h"
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

// Runs the task that `make` gives on the first shard, and blocks until it completed, or else until
// the stop: then kCancelled, "the <what> was stopped". Not from a shard's thread.
template <typename T>
[[nodiscard]] Result<T> runUnlessStopped(ShardGroup& group, const std::stop_token& stop,
                                         std::string_view what,
                                         std::move_only_function<Task<Result<T>>(Shard&)> make) {
  std::optional<Result<T>> result;
  group.runTask(0, [&](Shard& shard) {
    return keepUnlessStopped<Result<T>>(shard, make(shard), &result, stop);
  });
  if (!result) return fail(ErrorCode::kCancelled, fmt::format("the {} was stopped", what));
  return *std::move(result);
}

}  // namespace nimbus::net
