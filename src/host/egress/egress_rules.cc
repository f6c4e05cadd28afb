#include "host/egress/egress_rules.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/escape.h"
#include "base/text.h"
#include "host/egress/egress_ranges.h"

namespace nimbus::host {
namespace {

constexpr std::size_t kMaxLabelBytes = 63;

// RFC 1123 2.1, and underscores, which occur in names of services.
bool isName(std::string_view text) {
  if (text.empty() || text.size() > kMaxHostNameBytes) return false;
  const auto fine = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  for (const std::string_view label : split(text, '.')) {
    if (label.empty() || label.size() > kMaxLabelBytes) return false;
    if (label.front() == '-' || label.back() == '-') return false;
    if (!std::ranges::all_of(label, fine)) return false;
  }
  return true;
}

// Digits and dots only: either an IPv4 address or a mistake, never a name.
bool looksLikeV4(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

Result<std::uint16_t> parsePort(std::string_view text) {
  const auto number = parseDecimal(text);
  if (!number || *number == 0 || *number > UINT16_MAX) {
    return fail(ErrorCode::kInvalidArgument, "invalid port \"" + std::string(text) + "\"");
  }
  return static_cast<std::uint16_t>(*number);
}

std::string_view withoutBrackets(std::string_view text) {
  const bool bracketed = text.starts_with('[') && text.ends_with(']');
  return bracketed ? text.substr(1, text.size() - 2) : text;
}

// host and port of "host:port", "[v6]:port", "[v6/bits]:port", "v6", "v6/bits", "v4/bits:port".
Result<std::pair<std::string_view, std::optional<std::uint16_t>>> splitPort(std::string_view text) {
  std::size_t host_end = text.size();
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return fail(ErrorCode::kInvalidArgument, "missing \"]\"");
    host_end = close + 1;
  } else if (std::ranges::count(text, ':') == 1) {
    host_end = text.find(':');
  }
  const std::string_view after = text.substr(host_end);
  if (after.empty()) return std::pair(text, std::optional<std::uint16_t>());
  if (after.front() != ':') {
    return fail(ErrorCode::kInvalidArgument, "unexpected text after \"]\"");
  }
  TRY(const std::uint16_t port, parsePort(after.substr(1)));
  return std::pair(text.substr(0, host_end), std::optional(port));
}

}  // namespace

std::string normalizedName(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return lowerAscii(name);
}

Result<HostPattern> HostPattern::parse(std::string_view text) {
  HostPattern pattern;
  if (text == "*") return pattern;
  const std::string_view bare = withoutBrackets(text);
  const auto [address_text, bits_text] =
      splitOnce(bare, '/').value_or(std::pair(bare, std::string_view()));
  if (const auto address = net::IpAddress::parse(address_text)) {
    const unsigned all_bits = address->isV4() ? 32 : 128;
    const auto bits = bare.contains('/') ? parseDecimal(bits_text) : all_bits;
    if (!bits || *bits > all_bits) {
      return fail(ErrorCode::kInvalidArgument, "invalid prefix length");
    }
    pattern.what_ = Network{*address, static_cast<unsigned>(*bits)};
    return pattern;
  }
  std::string name = normalizedName(text);
  if (name.starts_with("*.")) {
    if (!isName(std::string_view(name).substr(2))) {
      return fail(ErrorCode::kInvalidArgument, "invalid name after \"*.\"");
    }
    pattern.what_ = Suffix{name.substr(1)};
    return pattern;
  }
  if (!isName(name) || looksLikeV4(name)) {
    return fail(ErrorCode::kInvalidArgument, "invalid host name or address");
  }
  pattern.what_ = Exact{std::move(name)};
  return pattern;
}

bool HostPattern::coversName(std::string_view name) const {
  if (std::holds_alternative<Any>(what_)) return true;
  if (const auto* exact = std::get_if<Exact>(&what_)) return exact->name == name;
  const auto* suffix = std::get_if<Suffix>(&what_);
  // Something must stand before the dot.
  return suffix != nullptr && name.size() > suffix->suffix.size() && name.ends_with(suffix->suffix);
}

bool HostPattern::coversAddress(const net::IpAddress& address) const {
  if (std::holds_alternative<Any>(what_)) return true;
  const auto* network = std::get_if<Network>(&what_);
  return network != nullptr && inNetwork(address, network->address, network->prefix_bits);
}

Result<HostRule> HostRule::parse(std::string_view entry) {
  HostRule rule;
  if (const std::size_t end = entry.find("://"); end != std::string_view::npos) {
    rule.scheme = lowerAscii(entry.substr(0, end));
    entry = entry.substr(end + 3);
    if (rule.scheme != "http" && rule.scheme != "https") {
      return fail(ErrorCode::kInvalidArgument, "the scheme must be http or https");
    }
    // What does not begin as the length of a prefix was meant as the path of a URL.
    const std::size_t path = entry.find('/');
    if (path != std::string_view::npos && !parseDecimal(entry.substr(path + 1, 1))) {
      return fail(
          ErrorCode::kInvalidArgument,
          fmt::format("a path is not part of a rule: remove {}", inQuotes(entry.substr(path))));
    }
  }
  TRY(const auto parts, splitPort(entry));
  rule.port = parts.second;
  TRY(rule.hosts, HostPattern::parse(parts.first));
  return rule;
}

Result<LoopbackPort> LoopbackPort::parse(std::string_view entry) {
  LoopbackPort allowed;
  const auto [port, transport] =
      splitOnce(entry, '/').value_or(std::pair(entry, std::string_view("tcp")));
  if (transport == "udp") {
    allowed.transport = Transport::kUdp;
  } else if (transport != "tcp") {
    return fail(ErrorCode::kInvalidArgument, "expected \"port\" or \"port/udp\"");
  }
  TRY(allowed.port, parsePort(port));
  return allowed;
}

}  // namespace nimbus::host
