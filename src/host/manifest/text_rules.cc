#include "host/manifest/text_rules.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/escape.h"
#include "base/text.h"
#include "http/authority.h"

namespace nimbus::host {
namespace {

constexpr std::size_t kMaxPathBytes = 2048;

bool isDigit(char c) { return c >= '0' && c <= '9'; }

std::size_t skipDigits(std::string_view text, std::size_t at) {
  while (at < text.size() && isDigit(text[at])) ++at;
  return at;
}

bool isIpV4Text(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return isDigit(c) || c == '.'; });
}

std::unexpected<Error> invalid(std::string message) {
  return fail(ErrorCode::kInvalidArgument, std::move(message));
}

}  // namespace

bool looksLikeNumber(std::string_view text) {
  if (text.starts_with("0x") && text.size() > 2)
    return std::ranges::all_of(text.substr(2), [](char c) { return hexDigit(c) >= 0; });
  if (text.starts_with("0o") && text.size() > 2)
    return std::ranges::all_of(text.substr(2), [](char c) { return c >= '0' && c <= '7'; });
  if (text == ".nan" || text == ".NaN" || text == ".NAN") return true;
  std::size_t at = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
  const std::string_view magnitude = text.substr(at);
  if (magnitude == ".inf" || magnitude == ".Inf" || magnitude == ".INF") return true;
  const std::size_t whole = skipDigits(text, at);
  std::size_t digits = whole - at;
  at = whole;
  if (at < text.size() && text[at] == '.') {
    const std::size_t end = skipDigits(text, at + 1);
    digits += end - at - 1;
    at = end;
  }
  if (digits == 0) return false;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    const std::size_t end = skipDigits(text, at);
    if (end == at) return false;
    at = end;
  }
  return at == text.size();
}

bool isDnsLabel(std::string_view text) {
  if (text.empty() || text.size() > 63 || text.front() == '-' || text.back() == '-') return false;
  return std::ranges::all_of(
      text, [](char c) { return isDigit(c) || (c >= 'a' && c <= 'z') || c == '-'; });
}

bool isDnsName(std::string_view text) {
  if (text.size() > 253) return false;
  while (true) {
    const std::size_t dot = text.find('.');
    if (!isDnsLabel(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

namespace {

struct Unit {
  std::string_view name;
  std::uint64_t size;
};

constexpr std::array<Unit, 4> kTimeUnits = {
    {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}}};
constexpr std::array<Unit, 9> kByteUnits = {{{"Ti", 1ULL << 40},
                                             {"Gi", 1ULL << 30},
                                             {"Mi", 1ULL << 20},
                                             {"Ki", 1ULL << 10},
                                             {"T", 1'000'000'000'000},
                                             {"G", 1'000'000'000},
                                             {"M", 1'000'000},
                                             {"k", 1000},
                                             {"", 1}}};

template <typename Units>
std::optional<std::uint64_t> parseWithUnit(std::string_view text, const Units& units) {
  const std::size_t digits = skipDigits(text, 0);
  const auto number = parseWholeNumber(text.substr(0, digits));
  if (!number) return std::nullopt;
  for (const Unit& unit : units) {
    if (text.substr(digits) != unit.name) continue;
    if (*number > UINT64_MAX / unit.size) return std::nullopt;
    return *number * unit.size;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> parseDurationMs(std::string_view text) {
  return parseWithUnit(text, kTimeUnits);
}

std::optional<std::uint64_t> parseByteQuantity(std::string_view text) {
  return parseWithUnit(text, kByteUnits);
}

std::string formatByteQuantity(std::uint64_t bytes) {
  for (const Unit& unit : kByteUnits)
    if (bytes != 0 && bytes % unit.size == 0)
      return fmt::format("{}{}", bytes / unit.size, unit.name);
  return "0";
}

std::string formatDurationMs(std::uint64_t milliseconds) {
  if (milliseconds == 0 || milliseconds % 1000 != 0) return fmt::format("{}ms", milliseconds);
  if (milliseconds % 3'600'000 == 0) return fmt::format("{}h", milliseconds / 3'600'000);
  if (milliseconds % 60'000 == 0) return fmt::format("{}m", milliseconds / 60'000);
  return fmt::format("{}s", milliseconds / 1000);
}

Result<std::string> normalRouteHost(std::string_view text) {
  if (text == "*") return std::string();
  if (text.empty()) return invalid("an empty host; \"*\" stands for all");
  std::string host = lowerAscii(text);
  if (host.starts_with('[')) {
    auto address = http::normalIpv6Host(host);
    if (!address)
      return invalid(fmt::format("{} is not an IPv6 address in brackets", inQuotes(text)));
    return *std::move(address);
  }
  const std::string_view name = std::string_view(host).substr(host.starts_with("*.") ? 2 : 0);
  if (name.find(':') != name.rfind(':'))
    return invalid(fmt::format("{}: an IPv6 address stands in brackets", inQuotes(text)));
  if (name.contains(':'))
    return invalid(fmt::format("{} has a port; routes match the host name alone", inQuotes(text)));
  if (name.contains('*'))
    return invalid(
        fmt::format("{}: \"*\" may only stand alone or as the first label", inQuotes(text)));
  if (!isDnsName(name) || (name.size() != host.size() && isIpV4Text(name)))
    return invalid(
        fmt::format("{} is not a host name; expected \"a.example\", \"*.example\" "
                    "or \"*\"",
                    inQuotes(text)));
  return host;
}

Result<std::string> normalRoutePath(std::string_view text) {
  if (!text.starts_with('/'))
    return invalid(fmt::format("{} does not begin with /", inQuotes(text)));
  if (text.size() > kMaxPathBytes)
    return invalid(fmt::format("a path of more than {} characters", kMaxPathBytes));
  for (const char c : text)
    if (c <= ' ' || c >= 0x7F || c == '?' || c == '#' || c == '*' || c == '\\')
      return invalid(fmt::format("{} holds the character {}, which a path prefix cannot",
                                 inQuotes(text), inQuotes(std::string_view(&c, 1))));
  if (text == "/") return std::string(text);
  const std::string_view normal = text.ends_with('/') ? text.substr(0, text.size() - 1) : text;
  for (const std::string_view segment : split(normal.substr(1), '/'))
    if (segment.empty() || segment == "." || segment == "..")
      return invalid(fmt::format("{} has an empty, \".\" or \"..\" segment", inQuotes(text)));
  return std::string(normal);
}

Result<void> checkRouteMethod(std::string_view text) {
  static constexpr std::string_view kSymbols = "!#$%&'*+-.^_`|~";
  const bool token = !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return isDigit(c) || (lowerAscii(c) >= 'a' && lowerAscii(c) <= 'z') || kSymbols.contains(c);
  });
  if (!token) return invalid(fmt::format("{} is not a method", inQuotes(text)));
  static constexpr std::array<std::string_view, 9> kKnown = {
      "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"};
  for (const std::string_view known : kKnown)
    if (text != known && lowerAscii(text) == lowerAscii(known))
      return invalid(
          fmt::format("{} is not a method; did you mean \"{}\"?", inQuotes(text), known));
  return {};
}

bool isSha256Digest(std::string_view text) {
  if (!text.starts_with("sha256:") || text.size() != 7 + 64) return false;
  return std::ranges::all_of(text.substr(7),
                             [](char c) { return hexDigit(c) >= 0 && lowerAscii(c) == c; });
}

}  // namespace nimbus::host
