#pragma once

#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>

#include "net/shard.h"

namespace nimbus::net {

// What `work(Shard&)` gives on that shard of the group; waits for it. Not from a shard's thread.
template <typename Work>
[[nodiscard]] auto resultOn(ShardGroup& group, std::size_t index, Work work) {
  std::optional<std::invoke_result_t<Work&, Shard&>> result;
  group.runOn(index, [&](Shard& shard) { result.emplace(work(shard)); });
  return *std::move(result);
}

}  // namespace nimbus::net
