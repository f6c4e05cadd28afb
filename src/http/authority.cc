#include "http/authority.h"

#include <algorithm>
#include <array>

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

// Between the brackets. Characters only: what the address means is for whoever connects to it.
bool isIpv6Text(std::string_view text) {
  return text.size() >= 2 && text.find(':') != std::string_view::npos &&
         std::ranges::all_of(text, [](char c) { return isHex(c) || c == ':' || c == '.'; });
}

// Empty is allowed by the grammar ("example:").
bool isPort(std::string_view text) {
  if (text.size() > 5 || !std::ranges::all_of(text, isDigit)) return false;
  unsigned port = 0;
  for (const char c : text) port = port * 10 + unsigned(c - '0');
  return port <= 65535;
}

}  // namespace

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
