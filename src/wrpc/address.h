#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/address.h"

namespace nimbus::wrpc {

// Where a provider answers, or is to listen, as a manifest or a command line says it:
//   unix:/run/kv.sock
//   tcp:127.0.0.1:7761   tcp:[::1]:7761   tcp:kv.example:7761
//   nats:shop            the host's own NATS servers, subject prefix "shop"; nats: has no prefix
//   nats://10.0.0.1:4222,10.0.0.2:4222/shop
struct ProviderAddress {
  enum class Transport : std::uint8_t { kUnix, kTcp, kNats };

  Transport transport = Transport::kUnix;
  std::string unix_path;
  std::string host;  // of TCP: an address without brackets, or a name
  std::uint16_t port = 0;
  std::string nats_servers;  // "nats://a:4222,nats://b:4222"; empty: the host's own
  std::string nats_prefix;   // empty: none

  // kInvalidArgument with what is wrong and how it should look.
  [[nodiscard]] static Result<ProviderAddress> parse(std::string_view text);
  // The same in one spelling.
  [[nodiscard]] std::string toString() const;

  // Where to connect or listen; kInvalidArgument if that is a name, which must be resolved first,
  // or not a socket at all.
  [[nodiscard]] Result<net::Endpoint> endpoint() const;
};

}  // namespace nimbus::wrpc
