#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "host/egress/egress_rules.h"
#include "net/address.h"
#include "net/own_addresses.h"

namespace nimbus::host {

enum class DenyReason {
  kNotPermitted,              // no entry of the workload's lists allows it
  kBindNotPermitted,          // workloads do not listen
  kHostLoopbackNotPermitted,  // this machine's loopback, and the workload or the host does not
                              // allow
  kHostOwnedPort,             // a port of the host itself
  kBlockedRange,              // the host forbids the address, whatever the workload allows
  kNoCapacity,                // a quota is used up; for those who keep quotas
};
// "not_permitted", "blocked_range", …
[[nodiscard]] std::string_view denyReasonName(DenyReason reason);

// Why something was refused.
struct Denial {
  DenyReason reason;
  std::string message;
};

// Allowed, or a Denial. Becomes a Result with kPermissionDenied and "<reason>: <message>" where
// that is wanted.
class [[nodiscard]] Verdict {
 public:
  Verdict() = default;
  Verdict(DenyReason reason, std::string message) : denied_(Denial{reason, std::move(message)}) {}

  [[nodiscard]] bool allowed() const { return !denied_; }
  explicit operator bool() const { return allowed(); }
  // Not allowed() only.
  [[nodiscard]] const Denial& denial() const [[clang::lifetimebound]] { return *denied_; }
  operator Result<void>() const;

 private:
  std::optional<Denial> denied_;
};

// The TCP ports that this process itself serves on. Any thread.
class OwnedPorts {
 public:
  void add(std::uint16_t port) { word(port).fetch_or(bit(port), std::memory_order_relaxed); }
  [[nodiscard]] bool has(std::uint16_t port) const {
    return (words_[port / 64].load(std::memory_order_relaxed) & bit(port)) != 0;
  }

 private:
  static std::uint64_t bit(std::uint16_t port) { return std::uint64_t{1} << (port % 64); }
  std::atomic<std::uint64_t>& word(std::uint16_t port) { return words_[port / 64]; }

  std::array<std::atomic<std::uint64_t>, 1024> words_{};
};

// What the host forbids or allows to all workloads.
struct EgressOptions {
  // Ranges that are no place of the public internet, and the clouds' metadata services. Loopback
  // has its own rule.
  bool deny_special_ranges = true;
  bool deny_private_ranges = false;
  // Together with a workload's allowedHostLoopbackPorts.
  bool allow_host_loopback = false;
  Duration resolve_timeout = std::chrono::seconds(5);  // of a name, for requests and for sockets
  // Never reachable on loopback; ports may come later. Null: none.
  std::shared_ptr<const OwnedPorts> host_owned_ports;
  // Those of administration and probes: never reachable on any address of this machine.
  std::shared_ptr<const OwnedPorts> control_ports;
  bool (*is_own_address)(const net::IpAddress&) = net::isOwnAddress;
};

// What loopback is to the TCP sockets of a component.
enum class Loopback {
  kHost,     // the machine's
  kPrivate,  // its workload's own (engine::PrivateNetwork)
  kListens,  // the same, and it may listen there
};

// The lists of a manifest.
struct EgressLists {
  std::vector<std::string> allowed_hosts;
  std::vector<std::string> allowed_ip_name_lookups;
  std::vector<std::string> allowed_host_loopback_ports;
  Loopback loopback = Loopback::kHost;  // of the workload's making
};

// What one component may reach. Immutable; any thread. Everything is denied that is not allowed.
//
// A connection needs two permissions: the destination, as the guest named it, must be on the
// workload's list (checkHttp), and every address it resolves to must lie in a range the host
// allows (checkAddress), so that a name cannot lead into a forbidden network. An entry that names
// an address literally does not lift the second: loopback needs the host's flag and
// allowedHostLoopbackPorts even then.
class EgressPolicy {
 public:
  // Denies everything.
  EgressPolicy() = default;
  // kInvalidArgument names the list and the entry that cannot be understood.
  [[nodiscard]] static Result<EgressPolicy> parse(const EgressLists& lists, EgressOptions options);

  // An outgoing request to scheme://host:port. `host`: a name or an address (brackets allowed).
  [[nodiscard]] Verdict checkHttp(std::string_view scheme, std::string_view host,
                                  std::uint16_t port) const;

  // The range alone, for one address that is about to be connected to.
  [[nodiscard]] Verdict checkAddress(const net::IpAddress& address, std::uint16_t port,
                                     Transport transport = Transport::kTcp) const;

  // wasi:sockets: the look-up of a name, as the guest wrote it: in any script, of any length.
  [[nodiscard]] Verdict checkLookup(std::string_view name) const;

  // wasi:sockets: making one. Not for who may reach nothing, not even a service of its workload.
  [[nodiscard]] Verdict checkSocketUse() const;

  // wasi:sockets: connecting, or sending a datagram. The address must be covered by an entry of
  // allowedHosts that names addresses (or by `*`), not by one for http or https only. For loopback
  // allowedHostLoopbackPorts is that entry.
  [[nodiscard]] Verdict checkSocketConnect(const net::IpAddress& address, std::uint16_t port,
                                           Transport transport) const;

  // wasi:sockets: binding, and listening. Only what a UDP client needs: any address, port 0, and
  // only if there is something it may send to; and TCP on the workload's own loopback for who
  // listens there.
  [[nodiscard]] Verdict checkSocketBind(const net::IpAddress& address, std::uint16_t port,
                                        Transport transport) const;

 private:
  [[nodiscard]] bool isControlPort(const net::IpAddress& address, std::uint16_t port,
                                   Transport transport) const;
  [[nodiscard]] Verdict checkLoopback(std::uint16_t port, Transport transport) const;

  EgressOptions options_;
  std::vector<HostRule> hosts_;
  std::vector<HostPattern> lookups_;
  std::vector<LoopbackPort> loopback_ports_;
  Loopback loopback_ = Loopback::kHost;
};

}  // namespace nimbus::host
