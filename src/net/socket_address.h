#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include "base/result.h"
#include "net/address.h"

namespace nimbus::net {

// An Endpoint as the system calls want it. Internal to src/net.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);

  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  [[nodiscard]] int family() const { return storage.ss_family; }
};

// kInvalidArgument: a Unix path longer than the system takes (107 bytes).
[[nodiscard]] Result<SocketAddress> toSocketAddress(const Endpoint& endpoint);
// For TCP only; a Unix peer has no name worth showing.
[[nodiscard]] Endpoint fromSocketAddress(const SocketAddress& address);
// PeerInfo::address: "127.0.0.1:4711", "[::1]:4711", "unix".
[[nodiscard]] std::string describePeer(const SocketAddress& address);

}  // namespace nimbus::net
