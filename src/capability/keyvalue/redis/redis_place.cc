#include "capability/keyvalue/redis/redis_place.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "base/text.h"
#include "net/address.h"

namespace nimbus::keyvalue {
namespace {

constexpr std::size_t kMaxHostBytes = 253;      // RFC 1035
constexpr std::size_t kMaxUnixPathBytes = 107;  // sockaddr_un without its terminator
constexpr std::size_t kMaxUserInfoBytes = 4096;

std::unexpected<Error> wrong(std::string_view why) {
  return fail(ErrorCode::kInvalidArgument, fmt::format("the URL of the Redis server: {}", why));
}

Result<std::string> percentDecoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded.push_back(text[i]);
      continue;
    }
    const int high = i + 2 < text.size() ? hexDigit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hexDigit(text[i + 2]) : -1;
    if (high < 0 || low < 0)
      return wrong("in user or password, \"%\" is not followed by two hexadecimal digits");
    decoded.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return decoded;
}

Result<void> parseUserInfo(std::string_view text, RedisPlace& place) {
  if (text.size() > kMaxUserInfoBytes) return wrong("user and password are too long");
  const auto parts = splitOnce(text, ':');
  TRY(place.user, percentDecoded(parts ? parts->first : text));
  if (parts) {
    TRY(place.password, percentDecoded(parts->second));
  }
  return {};
}

bool isHostCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_';
}

// "name", "name:port", "1.2.3.4:port" or "[::1]:port".
Result<void> parseHost(std::string_view text, RedisPlace& place) {
  const bool bracketed = text.starts_with('[');
  const std::size_t end = bracketed ? text.find(']') : text.find(':');
  std::string_view host = text.substr(0, end);
  std::string_view rest = end == std::string_view::npos ? "" : text.substr(end);
  if (bracketed) {
    if (rest.empty()) return wrong("\"]\" is missing");
    host.remove_prefix(1);
    rest.remove_prefix(1);
    const auto address = net::IpAddress::parse(host);
    if (!address || address->isV4()) return wrong("brackets are for an IPv6 address");
  } else if (host.empty()) {
    return wrong("the name of the server is missing");
  } else if (host.size() > kMaxHostBytes || !std::ranges::all_of(host, isHostCharacter)) {
    return wrong("what should be the name of the server is none");
  }
  place.host = host;
  if (rest.empty()) return {};
  const auto port = rest.starts_with(':') ? parseDecimal(rest.substr(1)) : std::nullopt;
  if (!port || *port == 0 || *port > 65535) return wrong("the port is no number from 1 to 65535");
  place.port = static_cast<std::uint16_t>(*port);
  return {};
}

Result<void> parseDatabase(std::string_view text, RedisPlace& place) {
  if (text.empty()) return {};
  const auto number = parseDecimal(text);
  if (!number || *number > std::numeric_limits<std::int32_t>::max())
    return wrong("what follows the server's name is to be \"/\" and the number of a database");
  place.database = static_cast<std::uint32_t>(*number);
  return {};
}

Result<RedisPlace> parseUnix(std::string_view path) {
  if (path.empty()) return wrong("the path of the socket is missing");
  if (path.contains('\0')) return wrong("the path holds a zero byte");
  if (path.size() > kMaxUnixPathBytes)
    return wrong(fmt::format("the path of a socket has at most {} bytes", kMaxUnixPathBytes));
  RedisPlace place;
  place.unix_path = path;
  return place;
}

}  // namespace

Result<RedisPlace> RedisPlace::parse(std::string_view url) {
  const auto parts = splitOnce(url, ':');
  if (parts && parts->first == "unix") return parseUnix(parts->second);
  const bool tls = parts && parts->first == "rediss";
  if (!parts || (!tls && parts->first != "redis") || !parts->second.starts_with("//"))
    return wrong("expected redis://…, rediss://… or unix:PATH");
  const std::string_view rest = parts->second.substr(2);
  if (rest.find_first_of("?#") != std::string_view::npos)
    return wrong("it has a query or a fragment (\"?\" and \"#\" in a password are %3F and %23)");
  RedisPlace place;
  place.tls = tls;
  // In what comes after the last "@" there can be none; before it, those of a password.
  const std::size_t at = rest.rfind('@');
  const std::string_view where = at == std::string_view::npos ? rest : rest.substr(at + 1);
  if (at != std::string_view::npos) TRY_VOID(parseUserInfo(rest.substr(0, at), place));
  const std::size_t slash = where.find('/');
  TRY_VOID(parseHost(where.substr(0, slash), place));
  if (slash != std::string_view::npos) TRY_VOID(parseDatabase(where.substr(slash + 1), place));
  return place;
}

std::string RedisPlace::describe() const {
  if (!unix_path.empty()) return "unix:" + unix_path;
  const bool v6 = host.contains(':');
  return fmt::format("{}://{}{}{}:{}/{}", tls ? "rediss" : "redis", v6 ? "[" : "", host,
                     v6 ? "]" : "", port, database);
}

}  // namespace nimbus::keyvalue
