#include "wrpc/address.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/text.h"

namespace nimbus::wrpc {
namespace {

using Transport = ProviderAddress::Transport;

constexpr std::string_view kForms =
    "write unix:/path, tcp:host:port, nats:prefix or nats://server:port/prefix";
constexpr std::size_t kMaxUnixPathBytes = 107;  // sockaddr_un without its terminator
constexpr std::size_t kMaxHostBytes = 253;      // RFC 1035
constexpr std::size_t kMaxPrefixBytes = 255;
constexpr std::uint16_t kNatsPort = 4222;

std::unexpected<Error> wrong(std::string_view text, std::string_view why) {
  return fail(ErrorCode::kInvalidArgument, fmt::format("provider address \"{}\": {}", text, why));
}

bool isHostCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_';
}

struct HostAndPort {
  std::string host;
  std::uint16_t port = 0;
};

// "name:port", "1.2.3.4:port" or "[::1]:port". Without a port the default, if there is one.
Result<HostAndPort> parseHostAndPort(std::string_view place, std::optional<std::uint16_t> otherwise,
                                     std::string_view whole) {
  const bool bracketed = place.starts_with('[');
  const std::size_t host_end = bracketed ? place.find(']') : place.find(':');
  if (bracketed && host_end == std::string_view::npos) return wrong(whole, "\"]\" is missing");
  std::string_view host = place.substr(0, host_end);
  std::string_view rest = host_end == std::string_view::npos ? "" : place.substr(host_end);
  if (bracketed) {
    host.remove_prefix(1);
    rest.remove_prefix(1);
    const auto address = net::IpAddress::parse(host);
    if (!address || address->isV4()) return wrong(whole, "brackets are for an IPv6 address");
  } else if (host.empty() || host.size() > kMaxHostBytes ||
             !std::ranges::all_of(host, isHostCharacter)) {
    return wrong(whole, fmt::format("\"{}\" is no host name or address", host));
  }
  if (rest.empty() && otherwise) return HostAndPort{std::string(host), *otherwise};
  if (rest.empty()) return wrong(whole, "the port is missing");
  if (!bracketed && rest.find(':', 1) != std::string_view::npos) {
    return wrong(whole, "an IPv6 address stands in brackets, as in tcp:[::1]:7761");
  }
  const auto port = rest.starts_with(':') ? parseDecimal(rest.substr(1)) : std::nullopt;
  if (!port || *port > 65535) {
    return wrong(whole, fmt::format("\"{}\" is no port", rest.substr(1)));
  }
  return HostAndPort{std::string(host), static_cast<std::uint16_t>(*port)};
}

Result<ProviderAddress> parseUnix(std::string_view path, std::string_view whole) {
  if (path.empty()) return wrong(whole, "the path of the socket is missing");
  if (path.find('\0') != std::string_view::npos) return wrong(whole, "the path holds a zero byte");
  if (path.size() > kMaxUnixPathBytes) {
    return wrong(whole,
                 fmt::format("the path of a socket has at most {} bytes", kMaxUnixPathBytes));
  }
  return ProviderAddress{.transport = Transport::kUnix,
                         .unix_path = std::string(path),
                         .host = {},
                         .port = 0,
                         .nats_servers = {},
                         .nats_prefix = {}};
}

Result<ProviderAddress> parseTcp(std::string_view place, std::string_view whole) {
  TRY(HostAndPort parsed, parseHostAndPort(place, std::nullopt, whole));
  return ProviderAddress{.transport = Transport::kTcp,
                         .unix_path = {},
                         .host = std::move(parsed.host),
                         .port = parsed.port,
                         .nats_servers = {},
                         .nats_prefix = {}};
}

// Tokens between dots, none empty; what NATS gives a meaning to does not belong in them.
Result<void> checkPrefix(std::string_view prefix, std::string_view whole) {
  if (prefix.empty()) return {};
  if (prefix.size() > kMaxPrefixBytes) return wrong(whole, "the subject prefix is too long");
  for (const std::string_view token : split(prefix, '.')) {
    if (token.empty()) return wrong(whole, "the subject prefix has an empty part between dots");
    if (!std::ranges::all_of(token,
                             [](char c) { return c > ' ' && c < 0x7F && c != '*' && c != '>'; })) {
      return wrong(whole, fmt::format("\"{}\" cannot be part of a NATS subject", token));
    }
  }
  return {};
}

Result<std::string> parseServers(std::string_view list, std::string_view whole) {
  std::string servers;
  for (const std::string_view place : split(list, ',')) {
    TRY(const HostAndPort server, parseHostAndPort(place, kNatsPort, whole));
    const bool v6 = server.host.find(':') != std::string::npos;
    servers += fmt::format("{}nats://{}{}{}:{}", servers.empty() ? "" : ",", v6 ? "[" : "",
                           server.host, v6 ? "]" : "", server.port);
  }
  return servers;
}

Result<ProviderAddress> parseNats(std::string_view rest, std::string_view whole) {
  ProviderAddress address{.transport = Transport::kNats,
                          .unix_path = {},
                          .host = {},
                          .port = 0,
                          .nats_servers = {},
                          .nats_prefix = std::string(rest)};
  if (rest.starts_with("//")) {
    rest.remove_prefix(2);
    const std::size_t slash = rest.find('/');
    TRY(address.nats_servers, parseServers(rest.substr(0, slash), whole));
    address.nats_prefix = slash == std::string_view::npos ? "" : rest.substr(slash + 1);
  }
  TRY_VOID(checkPrefix(address.nats_prefix, whole));
  return address;
}

}  // namespace

Result<ProviderAddress> ProviderAddress::parse(std::string_view text) {
  const auto parts = splitOnce(text, ':');
  if (!parts) return wrong(text, fmt::format("it names no transport; {}", kForms));
  const auto& [transport, rest] = *parts;
  if (transport == "unix") return parseUnix(rest, text);
  if (transport == "tcp") return parseTcp(rest, text);
  if (transport == "nats") return parseNats(rest, text);
  if (const auto meant = nearestKey(transport, {"unix", "tcp", "nats"})) {
    return wrong(text, fmt::format("no transport \"{}\", did you mean \"{}\"?", transport, *meant));
  }
  return wrong(text, fmt::format("no transport \"{}\"; {}", transport, kForms));
}

std::string ProviderAddress::toString() const {
  switch (transport) {
    case Transport::kUnix: return "unix:" + unix_path;
    case Transport::kTcp:
      return host.find(':') == std::string::npos ? fmt::format("tcp:{}:{}", host, port)
                                                 : fmt::format("tcp:[{}]:{}", host, port);
    case Transport::kNats: break;
  }
  if (nats_servers.empty()) return "nats:" + nats_prefix;
  std::string list;
  for (const std::string_view server : split(nats_servers, ',')) {
    list += fmt::format("{}{}", list.empty() ? "" : ",", server.substr(sizeof "nats://" - 1));
  }
  return fmt::format("nats://{}{}{}", list, nats_prefix.empty() ? "" : "/", nats_prefix);
}

Result<net::Endpoint> ProviderAddress::endpoint() const {
  if (transport == Transport::kUnix) {
    return net::Endpoint{.address = {}, .port = 0, .unix_path = unix_path};
  }
  if (transport == Transport::kNats) {
    return fail(ErrorCode::kInvalidArgument, toString() + " is not the address of a socket");
  }
  const auto address = net::IpAddress::parse(host);
  if (!address) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: \"{}\" is a name, not an address", toString(), host));
  }
  return net::Endpoint{.address = *address, .port = port, .unix_path = {}};
}

}  // namespace nimbus::wrpc
