#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace nimbus::net {

// An IPv4 or IPv6 address. IPv4-mapped IPv6 addresses are turned into IPv4 when made, so that
// policy cannot be passed by in the other spelling.
class IpAddress {
 public:
  [[nodiscard]] static Result<IpAddress> parse(std::string_view text);
  [[nodiscard]] static IpAddress fromV4(std::array<std::uint8_t, 4> bytes);
  [[nodiscard]] static IpAddress fromV6(std::array<std::uint8_t, 16> bytes);

  [[nodiscard]] bool isV4() const { return v4_; }
  // Network order; the first four count for IPv4.
  [[nodiscard]] const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }
  [[nodiscard]] std::string toString() const;

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
  bool v4_ = true;
};

// Where to listen or connect: "127.0.0.1:8000", "[::1]:0", "unix:/run/x.sock". For TCP the host is
// an address, not a name.
struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;
  std::string unix_path;  // not empty: a Unix socket, and address and port mean nothing

  [[nodiscard]] static Result<Endpoint> parse(std::string_view text);
  [[nodiscard]] std::string toString() const;
};

}  // namespace nimbus::net
