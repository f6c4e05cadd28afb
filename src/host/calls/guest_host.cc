#include "host/calls/guest_host.h"

#include "host/calls/outgoing_exchange.h"
#include "host/egress/egress.h"

namespace nimbus::host {

ShardGuestHost::ShardGuestHost(ShardRuntime& shard, std::shared_ptr<ComponentRuntime> component)
    : shard_(shard), component_(std::move(component)) {}

void ShardGuestHost::print(int stream, std::string_view line) {
  component_->log->line(stream, line);
}

bool ShardGuestHost::socketAllowed(engine::SocketUse use, const net::IpAddress& address,
                                   std::uint16_t port) {
  using engine::SocketUse;
  const EgressPolicy& policy = *component_->egress;
  Verdict verdict;
  switch (use) {
    case SocketUse::kTcpConnect:
      verdict = policy.checkSocketConnect(address, port, Transport::kTcp);
      break;
    case SocketUse::kUdpSend:
    case SocketUse::kUdpReceive:
      verdict = policy.checkSocketConnect(address, port, Transport::kUdp);
      break;
    case SocketUse::kTcpBind:
      // Before connecting, the engine asks for the bind that the system does by itself.
      if (port == 0) return true;
      [[fallthrough]];
    case SocketUse::kTcpListen:
    case SocketUse::kTcpAccept:
      verdict = policy.checkSocketBind(address, port, Transport::kTcp);
      break;
    case SocketUse::kHostLoopback:
      return policy.checkSocketConnect(address, port, Transport::kTcp).allowed();
    case SocketUse::kUdpBind:
      verdict = policy.checkSocketBind(address, port, Transport::kUdp);
      break;
  }
  return pass(verdict);
}

bool ShardGuestHost::pass(const Verdict& verdict) {
  if (!verdict) {
    component_->log->denied(std::string(denyReasonName(verdict.denial().reason)) + ": " +
                            verdict.denial().message);
  }
  return verdict.allowed();
}

bool ShardGuestHost::lookupAllowed(std::string_view name) {
  return pass(component_->egress->checkLookup(name));
}

engine::SocketGrant ShardGuestHost::socketOpened(engine::SocketCount count) {
  using engine::SocketGrant;
  GuestSockets& sockets = component_->sockets;
  if (count == engine::SocketCount::kOutgoing)
    return pass(sockets.openOutgoing()) ? SocketGrant::kGranted : SocketGrant::kNoCapacity;
  if (!pass(component_->egress->checkSocketUse())) return SocketGrant::kNotPermitted;
  return pass(sockets.open()) ? SocketGrant::kGranted : SocketGrant::kNoCapacity;
}

void ShardGuestHost::socketClosed(engine::SocketCount count) {
  if (count == engine::SocketCount::kOutgoing) {
    component_->sockets.closeOutgoing();
  } else {
    component_->sockets.close();
  }
}

bool ShardGuestHost::fileOpened() { return pass(component_->sockets.openFile()); }

void ShardGuestHost::fileClosed() { component_->sockets.closeFile(); }

void ShardGuestHost::startEgress(std::shared_ptr<engine::OutgoingRequest> request) {
  if (stopped_) {
    request->close();
    return;
  }
  outgoing_.spawn(carryOut(std::move(request), component_, &shard_.client));
}

void ShardGuestHost::stop() {
  stopped_ = true;
  outgoing_.cancelAll();
}

}  // namespace nimbus::host
