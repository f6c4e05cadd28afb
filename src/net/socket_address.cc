#include "net/socket_address.h"

#include <netinet/in.h>

#include <cstring>

namespace nimbus::net {
namespace {

// sockaddr_storage is raw memory: objects of the family's own type are copied in and out.
template <typename Family>
void store(const Family& address, SocketAddress& into) {
  std::memcpy(&into.storage, &address, sizeof address);
  into.size = sizeof address;
}

template <typename Family>
Family load(const SocketAddress& from) {
  Family address;
  std::memcpy(&address, &from.storage, sizeof address);
  return address;
}

Result<SocketAddress> toUnixAddress(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return fail(ErrorCode::kInvalidArgument, "the socket path is longer than " +
                                                 std::to_string(sizeof address.sun_path - 1) +
                                                 " bytes: " + path);
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  SocketAddress result;
  store(address, result);
  return result;
}

}  // namespace

Result<SocketAddress> toSocketAddress(const Endpoint& endpoint) {
  if (!endpoint.unix_path.empty()) return toUnixAddress(endpoint.unix_path);
  SocketAddress result;
  if (endpoint.address.isV4()) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(endpoint.port);
    std::memcpy(&address.sin_addr, endpoint.address.bytes().data(), sizeof address.sin_addr);
    store(address, result);
  } else {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(endpoint.port);
    std::memcpy(&address.sin6_addr, endpoint.address.bytes().data(), sizeof address.sin6_addr);
    store(address, result);
  }
  return result;
}

Endpoint fromSocketAddress(const SocketAddress& address) {
  Endpoint endpoint;
  if (address.family() == AF_INET) {
    const auto v4 = load<sockaddr_in>(address);
    std::array<std::uint8_t, 4> bytes;
    std::memcpy(bytes.data(), &v4.sin_addr, bytes.size());
    endpoint.address = IpAddress::fromV4(bytes);
    endpoint.port = ntohs(v4.sin_port);
  } else if (address.family() == AF_INET6) {
    const auto v6 = load<sockaddr_in6>(address);
    std::array<std::uint8_t, 16> bytes;
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    endpoint.address = IpAddress::fromV6(bytes);
    endpoint.port = ntohs(v6.sin6_port);
  }
  return endpoint;
}

std::string describePeer(const SocketAddress& address) {
  if (address.family() == AF_UNIX) return "unix";
  return fromSocketAddress(address).toString();
}

}  // namespace nimbus::net
