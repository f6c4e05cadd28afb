#pragma once

#include <string_view>

#include "net/address.h"

namespace nimbus::host {

enum class AddressKind {
  kPublic,
  kLoopback,
  kPrivate,   // RFC 1918, shared address space, unique local
  kSpecial,   // every other range that is no place of the public internet
  kMetadata,  // where clouds hand out credentials
};

struct AddressRange {
  AddressKind kind = AddressKind::kPublic;
  std::string_view name = "public";  // for messages
};

// The range an address lies in (IANA special-purpose registries for IPv4 and IPv6). An IPv6 address
// that carries an IPv4 one (NAT64, 6to4, Teredo, IPv4-compatible) is judged by that, since packets
// end up there.
[[nodiscard]] AddressRange rangeOf(const net::IpAddress& address);

// True if the first `prefix_bits` bits of both are equal and both are of one family.
[[nodiscard]] bool inNetwork(const net::IpAddress& address, const net::IpAddress& network,
                             unsigned prefix_bits);

}  // namespace nimbus::host
