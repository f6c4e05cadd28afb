#include "host/egress/egress.h"

#include <algorithm>
#include <utility>

#include "base/escape.h"
#include "base/text.h"
#include "host/egress/egress_ranges.h"

namespace nimbus::host {
namespace {

// Of a name that is not in ASCII yet.
constexpr std::size_t kMaxRawNameBytes = 1024;

template <typename Rule>
Result<std::vector<Rule>> parseList(std::string_view list,
                                    const std::vector<std::string>& entries) {
  if (entries.size() > kMaxEgressRules) {
    return fail(ErrorCode::kInvalidArgument,
                std::string(list) + ": more than " + std::to_string(kMaxEgressRules) + " entries");
  }
  std::vector<Rule> rules;
  for (const std::string& entry : entries) {
    auto rule = Rule::parse(entry);
    if (!rule) {
      return fail(ErrorCode::kInvalidArgument, std::string(list) + ": \"" + entry + "\"",
                  std::move(rule).error());
    }
    rules.push_back(*std::move(rule));
  }
  return rules;
}

std::string_view withoutBrackets(std::string_view host) {
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  return bracketed ? host.substr(1, host.size() - 2) : host;
}

// Longer than any name that can be looked up. What becomes shorter on its way to ASCII is of
// another script, or has percent-encoded bytes.
bool isTooLong(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.size() <= kMaxHostNameBytes) return false;
  if (name.size() > kMaxRawNameBytes) return true;
  return std::ranges::none_of(
      name, [](char c) { return c == '%' || static_cast<unsigned char>(c) >= 0x80; });
}

// What a guest named, for a message: no more of it than a name can have.
std::string shown(std::string_view name) {
  std::string text = escaped(name.substr(0, kMaxHostNameBytes));
  if (name.size() > kMaxHostNameBytes) text += "…";
  return text;
}

}  // namespace

std::string_view denyReasonName(DenyReason reason) {
  switch (reason) {
    case DenyReason::kNotPermitted: return "not_permitted";
    case DenyReason::kBindNotPermitted: return "bind_not_permitted";
    case DenyReason::kHostLoopbackNotPermitted: return "host_loopback_not_permitted";
    case DenyReason::kHostOwnedPort: return "host_owned_port";
    case DenyReason::kBlockedRange: return "blocked_range";
    case DenyReason::kNoCapacity: return "no_capacity";
  }
  return "not_permitted";
}

Verdict::operator Result<void>() const {
  if (allowed()) return {};
  return fail(ErrorCode::kPermissionDenied,
              std::string(denyReasonName(denied_->reason)) + ": " + denied_->message);
}

Result<EgressPolicy> EgressPolicy::parse(const EgressLists& lists, EgressOptions options) {
  EgressPolicy policy;
  policy.options_ = std::move(options);
  TRY(policy.hosts_, parseList<HostRule>("allowedHosts", lists.allowed_hosts));
  TRY(policy.lookups_,
      parseList<HostPattern>("allowedIpNameLookups", lists.allowed_ip_name_lookups));
  TRY(policy.loopback_ports_,
      parseList<LoopbackPort>("allowedHostLoopbackPorts", lists.allowed_host_loopback_ports));
  policy.loopback_ = lists.loopback;
  return policy;
}

Verdict EgressPolicy::checkHttp(std::string_view scheme, std::string_view host,
                                std::uint16_t port) const {
  const std::string name = normalizedName(withoutBrackets(host));
  const std::string wanted_scheme = lowerAscii(scheme);
  const auto address = net::IpAddress::parse(name);
  const bool listed = std::ranges::any_of(hosts_, [&](const HostRule& rule) {
    return (rule.scheme.empty() || rule.scheme == wanted_scheme) &&
           (!rule.port || *rule.port == port) &&
           (address ? rule.hosts.coversAddress(*address) : rule.hosts.coversName(name));
  });
  if (listed) return {};
  return {DenyReason::kNotPermitted, wanted_scheme + "://" + shown(host) + ":" +
                                         std::to_string(port) + " is not in allowedHosts"};
}

Verdict EgressPolicy::checkAddress(const net::IpAddress& address, std::uint16_t port,
                                   Transport transport) const {
  const AddressRange range = rangeOf(address);
  if (range.kind != AddressKind::kLoopback && isControlPort(address, port, transport)) {
    return {DenyReason::kHostOwnedPort, address.toString() + " port " + std::to_string(port) +
                                            " belongs to the host's administration"};
  }
  switch (range.kind) {
    case AddressKind::kPublic: return {};
    case AddressKind::kLoopback: return checkLoopback(port, transport);
    case AddressKind::kPrivate:
      if (!options_.deny_private_ranges) return {};
      break;
    case AddressKind::kSpecial:
    case AddressKind::kMetadata:
      if (!options_.deny_special_ranges) return {};
      break;
  }
  return {DenyReason::kBlockedRange,
          address.toString() + " is in a forbidden range (" + std::string(range.name) + ")"};
}

bool EgressPolicy::isControlPort(const net::IpAddress& address, std::uint16_t port,
                                 Transport transport) const {
  return transport == Transport::kTcp && options_.control_ports != nullptr &&
         options_.control_ports->has(port) && options_.is_own_address(address);
}

Verdict EgressPolicy::checkLoopback(std::uint16_t port, Transport transport) const {
  const std::string what = "port " + std::to_string(port) + " of the host's loopback";
  if (transport == Transport::kTcp && options_.host_owned_ports != nullptr &&
      options_.host_owned_ports->has(port)) {
    return {DenyReason::kHostOwnedPort, what + " belongs to the host"};
  }
  if (!options_.allow_host_loopback) {
    return {DenyReason::kHostLoopbackNotPermitted, what + ": the host does not allow its loopback"};
  }
  const bool listed = std::ranges::any_of(loopback_ports_, [&](const LoopbackPort& allowed) {
    return allowed.port == port && allowed.transport == transport;
  });
  if (listed) return {};
  return {DenyReason::kHostLoopbackNotPermitted, what + " is not in allowedHostLoopbackPorts"};
}

Verdict EgressPolicy::checkLookup(std::string_view name) const {
  if (isTooLong(name))
    return {DenyReason::kNotPermitted, "\"" + shown(name) + "\" is longer than a name can be"};
  const std::string wanted = normalizedName(withoutBrackets(name));
  const auto address = net::IpAddress::parse(wanted);
  const bool listed = std::ranges::any_of(lookups_, [&](const HostPattern& pattern) {
    return address ? pattern.coversAddress(*address) : pattern.coversName(wanted);
  });
  if (listed) return {};
  return {DenyReason::kNotPermitted, "\"" + shown(name) + "\" is not in allowedIpNameLookups"};
}

Verdict EgressPolicy::checkSocketUse() const {
  if (loopback_ != Loopback::kHost) return {};
  if (!hosts_.empty() || !lookups_.empty() || !loopback_ports_.empty()) return {};
  return {DenyReason::kNotPermitted,
          "sockets are for those who have allowedHosts or allowedHostLoopbackPorts"};
}

Verdict EgressPolicy::checkSocketConnect(const net::IpAddress& address, std::uint16_t port,
                                         Transport transport) const {
  if (rangeOf(address).kind == AddressKind::kLoopback) return checkLoopback(port, transport);
  const bool listed = std::ranges::any_of(hosts_, [&](const HostRule& rule) {
    return rule.scheme.empty() && (!rule.port || *rule.port == port) &&
           rule.hosts.coversAddress(address);
  });
  if (!listed) {
    return {DenyReason::kNotPermitted, address.toString() + " port " + std::to_string(port) +
                                           " is not in allowedHosts as an address"};
  }
  return checkAddress(address, port, transport);
}

Verdict EgressPolicy::checkSocketBind(const net::IpAddress& address, std::uint16_t port,
                                      Transport transport) const {
  const bool listens = loopback_ == Loopback::kListens && transport == Transport::kTcp;
  if (listens && rangeOf(address).kind == AddressKind::kLoopback) return {};
  const bool unspecified =
      std::ranges::all_of(address.bytes(), [](auto byte) { return byte == 0; });
  const bool has_destinations =
      !hosts_.empty() || (options_.allow_host_loopback && !loopback_ports_.empty());
  if (transport == Transport::kUdp && unspecified && port == 0 && has_destinations) return {};
  return {DenyReason::kBindNotPermitted,
          "binding " + address.toString() + " port " + std::to_string(port)};
}

}  // namespace nimbus::host
