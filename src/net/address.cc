#include "net/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <span>

#include "base/escape.h"

namespace nimbus::net {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::string_view kUnixPrefix = "unix:";

std::unexpected<Error> notAnEndpoint(std::string_view text) {
  return fail(ErrorCode::kInvalidArgument,
              inQuotes(text) +
                  " is not an address and port such as 127.0.0.1:8000 or [::1]:8000, "
                  "nor unix:/path");
}

Result<std::uint16_t> parsePort(std::string_view text, std::string_view whole) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
    return notAnEndpoint(whole);
  }
  return port;
}

}  // namespace

IpAddress IpAddress::fromV4(std::array<std::uint8_t, 4> bytes) {
  IpAddress address;
  std::ranges::copy(bytes, address.bytes_.begin());
  return address;
}

IpAddress IpAddress::fromV6(std::array<std::uint8_t, 16> bytes) {
  if (std::ranges::equal(kMappedPrefix, std::span(bytes).first<12>())) {
    return fromV4({bytes[12], bytes[13], bytes[14], bytes[15]});
  }
  IpAddress address;
  address.bytes_ = bytes;
  address.v4_ = false;
  return address;
}

Result<IpAddress> IpAddress::parse(std::string_view text) {
  // inet_pton wants a terminator and would stop at an embedded one.
  if (text.size() < INET6_ADDRSTRLEN && text.find('\0') == std::string_view::npos) {
    const std::string terminated(text);
    std::array<std::uint8_t, 4> v4;
    if (inet_pton(AF_INET, terminated.c_str(), v4.data()) == 1) return fromV4(v4);
    std::array<std::uint8_t, 16> v6;
    if (inet_pton(AF_INET6, terminated.c_str(), v6.data()) == 1) return fromV6(v6);
  }
  return fail(ErrorCode::kInvalidArgument, inQuotes(text) + " is not an IPv4 or IPv6 address");
}

std::string IpAddress::toString() const {
  char text[INET6_ADDRSTRLEN];
  inet_ntop(v4_ ? AF_INET : AF_INET6, bytes_.data(), text, sizeof text);
  return text;
}

Result<Endpoint> Endpoint::parse(std::string_view text) {
  if (text.starts_with(kUnixPrefix)) {
    const std::string_view path = text.substr(kUnixPrefix.size());
    if (path.empty() || path.find('\0') != std::string_view::npos) return notAnEndpoint(text);
    return Endpoint{.address = {}, .port = 0, .unix_path = std::string(path)};
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return notAnEndpoint(text);
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  // Brackets belong to IPv6, and only to it: without them the last group would look like a port.
  const bool has_colon = host.find(':') != std::string_view::npos;
  if (bracketed != has_colon) return notAnEndpoint(text);
  const auto address = IpAddress::parse(host);
  if (!address) return notAnEndpoint(text);
  TRY(const std::uint16_t port, parsePort(text.substr(colon + 1), text));
  return Endpoint{.address = *address, .port = port, .unix_path = {}};
}

std::string Endpoint::toString() const {
  if (!unix_path.empty()) return std::string(kUnixPrefix) + unix_path;
  const std::string host = address.isV4() ? address.toString() : "[" + address.toString() + "]";
  return host + ":" + std::to_string(port);
}

}  // namespace nimbus::net
