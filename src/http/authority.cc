#include "http/authority.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "net/address.h"

namespace nimbus::http {
namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isHex(char c) { return isDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

constexpr std::array<bool, 256> makeNameTable() {
  std::array<bool, 256> table{};
  for (char c = '0'; c <= '9'; ++c) table[static_cast<unsigned char>(c)] = true;
  for (char c = 'a'; c <= 'z'; ++c) table[static_cast<unsigned char>(c)] = true;
  for (char c = 'A'; c <= 'Z'; ++c) table[static_cast<unsigned char>(c)] = true;
  for (const char c : std::string_view("-._~!$&'()*+;=")) {
    table[static_cast<unsigned char>(c)] = true;
  }
  return table;
}
constexpr auto kNameTable = makeNameTable();

bool isNameCharacter(char c) { return kNameTable[static_cast<unsigned char>(c)]; }

bool isRegisteredName(std::string_view text) {
  if (text.empty()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (isNameCharacter(text[i])) continue;
    if (text[i] != '%' || i + 2 >= text.size() || !isHex(text[i + 1]) || !isHex(text[i + 2])) {
      return false;
    }
    i += 2;
  }
  return true;
}

// Between the brackets.
bool isIpv6Text(std::string_view text) {
  return text.contains(':') && net::IpAddress::parse(text).has_value();
}

// Empty is allowed by the grammar ("example:").
bool isPort(std::string_view text) {
  if (text.size() > 5 || !std::ranges::all_of(text, isDigit)) return false;
  unsigned port = 0;
  for (const char c : text) port = port * 10 + unsigned(c - '0');
  return port <= 65535;
}

struct Authority {
  std::string_view host;  // with its brackets
  std::string_view port;  // nothing if it is that of the scheme
};

Authority normalized(std::string_view text, std::string_view default_port) {
  Authority parts{text, {}};
  const std::size_t colon = text.rfind(':');
  if (colon != std::string_view::npos && text.find(']', colon) == std::string_view::npos) {
    parts = {text.substr(0, colon), text.substr(colon + 1)};
  }
  if (parts.port == default_port) parts.port = {};
  if (parts.host.ends_with('.')) parts.host.remove_suffix(1);
  return parts;
}

}  // namespace

bool sameAuthority(std::string_view a, std::string_view b, std::string_view scheme) {
  if (a == b) return true;
  const std::string_view default_port = scheme == "https" ? "443" : "80";
  const Authority one = normalized(a, default_port);
  const Authority other = normalized(b, default_port);
  return equalsIgnoringCase(one.host, other.host) && one.port == other.port;
}

bool isAuthority(std::string_view text) {
  std::string_view host = text;
  std::string_view after;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos || !isIpv6Text(text.substr(1, close - 1))) return false;
    after = text.substr(close + 1);
  } else {
    const std::size_t colon = text.find(':');
    if (colon != std::string_view::npos) {
      host = text.substr(0, colon);
      after = text.substr(colon);
    }
    if (!isRegisteredName(host)) return false;
  }
  return after.empty() || (after.front() == ':' && isPort(after.substr(1)));
}

std::optional<std::string> normalIpv6Host(std::string_view bracketed) {
  if (!bracketed.starts_with('[') || !bracketed.ends_with(']') || bracketed.size() < 4)
    return std::nullopt;
  const auto address = net::IpAddress::parse(bracketed.substr(1, bracketed.size() - 2));
  if (!address || address->isV4()) return std::nullopt;
  return "[" + address->toString() + "]";
}

bool isTargetText(std::string_view text) {
  unsigned bad = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    bad |= unsigned(byte <= 0x20) | unsigned(byte >= 0x7f) | unsigned(c == '"') |
           unsigned(c == '#') | unsigned(c == '<') | unsigned(c == '>');
  }
  return bad == 0;
}

}  // namespace nimbus::http
