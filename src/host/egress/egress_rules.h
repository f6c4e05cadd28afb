#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "net/address.h"

namespace nimbus::host {

// Of one list: enough for everybody, and few enough to look through for each request.
inline constexpr std::size_t kMaxEgressRules = 1024;

// Of a name in ASCII, without the dot that may end it (RFC 1035 2.3.4).
inline constexpr std::size_t kMaxHostNameBytes = 253;

// Lower case, without the dot that may end a full name.
[[nodiscard]] std::string normalizedName(std::string_view name);

// A set of hosts, as one entry of a list names it.
class HostPattern {
 public:
  // `*`, `*.suffix`, a name, an address (IPv6 with or without brackets), or a network
  // `address/bits`.
  [[nodiscard]] static Result<HostPattern> parse(std::string_view text);

  // `name` is normalised. An address is looked for among addresses only; `*` is everything.
  [[nodiscard]] bool coversName(std::string_view name) const;
  [[nodiscard]] bool coversAddress(const net::IpAddress& address) const;

 private:
  struct Any {};
  struct Exact {
    std::string name;
  };
  struct Suffix {
    std::string suffix;  // with the leading dot
  };
  struct Network {
    net::IpAddress address;
    unsigned prefix_bits;
  };
  std::variant<Any, Exact, Suffix, Network> what_;
};

// An entry of allowedHosts: [scheme://]pattern[:port]. What is left out matches anything.
struct HostRule {
  std::string scheme;  // "http", "https", or empty
  HostPattern hosts;
  std::optional<std::uint16_t> port;

  [[nodiscard]] static Result<HostRule> parse(std::string_view entry);
};

enum class Transport { kTcp, kUdp };

// An entry of allowedHostLoopbackPorts: "5432", "5432/tcp", "53/udp".
struct LoopbackPort {
  std::uint16_t port = 0;
  Transport transport = Transport::kTcp;

  [[nodiscard]] static Result<LoopbackPort> parse(std::string_view entry);
};

}  // namespace nimbus::host
