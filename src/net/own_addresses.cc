#include "net/own_addresses.h"

#include <ifaddrs.h>
#include <netinet/in.h>

#include <cstring>
#include <memory>

#include "net/socket_address.h"

namespace nimbus::net {

bool isOwnAddress(const IpAddress& address) {
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return true;
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> interfaces(first, ::freeifaddrs);
  for (const ifaddrs* one = first; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr) continue;
    const bool v4 = one->ifa_addr->sa_family == AF_INET;
    if (!v4 && one->ifa_addr->sa_family != AF_INET6) continue;
    SocketAddress own;
    own.size = v4 ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    std::memcpy(own.get(), one->ifa_addr, own.size);
    if (fromSocketAddress(own).address == address) return true;
  }
  return false;
}

}  // namespace nimbus::net
