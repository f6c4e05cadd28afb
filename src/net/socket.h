#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "net/address.h"
#include "net/shard.h"
#include "net/stream.h"

namespace nimbus::net {

// A bound, listening socket that several shards can accept from. TCP is bound once per shard with
// SO_REUSEPORT (port 0 is bound once, the others bind the port obtained), so that the kernel
// spreads connections; a Unix socket is shared (mode 0600; a stale file is replaced, a live one is
// refused with kAlreadyExists; the file goes with the last listener). An address in use is
// kAlreadyExists, also if the other process shares its port.
class ListenSocket {
 public:
  virtual ~ListenSocket() = default;
  [[nodiscard]] virtual const Endpoint& boundTo() const = 0;
};
[[nodiscard]] Result<std::vector<std::unique_ptr<ListenSocket>>> listenOn(const Endpoint& where,
                                                                          std::size_t shard_count);

// Accepts connections on one shard and hands each to `accepted` inline. Out of file descriptors it
// pauses for a moment instead of spinning. Made and destroyed on the shard's thread; `accepted` may
// destroy it. Destroying it stops accepting.
class Acceptor {
 public:
  virtual ~Acceptor() = default;
  // What the kernel has queued is still accepted by the next loop turn, then the socket closes.
  virtual void stop() = 0;
};
[[nodiscard]] std::unique_ptr<Acceptor> makeAcceptor(
    Shard& shard, std::unique_ptr<ListenSocket> socket,
    std::function<void(std::unique_ptr<Stream>)> accepted);

// Connects to an address or a Unix socket. Destroying the task gives up. Errors: kUnavailable
// (nobody listens, no way there), kPermissionDenied, kInvalidArgument (path too long), kIo.
[[nodiscard]] Task<Result<std::unique_ptr<Stream>>> connectTo(Shard& shard, Endpoint where);

}  // namespace nimbus::net
