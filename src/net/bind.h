#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "net/socket.h"

namespace nimbus::net {

// listenOn() in two steps, for who must know early that an address can be had and serve late: until
// all of bindTo()'s sockets are given to startListening(), connecting is refused. The second may
// fail too, if another process was faster.
[[nodiscard]] Result<std::vector<std::unique_ptr<ListenSocket>>> bindTo(const Endpoint& where,
                                                                        std::size_t shard_count);
[[nodiscard]] Result<void> startListening(std::span<const std::unique_ptr<ListenSocket>> sockets);

}  // namespace nimbus::net
