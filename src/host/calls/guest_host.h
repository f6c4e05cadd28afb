#pragma once

#include <memory>

#include "base/sync.h"
#include "engine/guest_context.h"
#include "engine/outgoing_request.h"
#include "host/calls/component_runtime.h"
#include "host/calls/shard_runtime.h"
#include "host/egress/egress.h"

namespace nimbus::host {

// What the instances of one component on one shard ask of the host: their output goes to the log,
// sockets and look-ups are judged by the component's policy, sockets and files are counted, and
// outgoing HTTP requests are carried out by the shard's client.
class ShardGuestHost final : public engine::GuestHost {
 public:
  ShardGuestHost(ShardRuntime& shard, std::shared_ptr<ComponentRuntime> component);

  // Any thread.
  void print(int stream, std::string_view line) override;
  [[nodiscard]] bool socketAllowed(engine::SocketUse use, const net::IpAddress& address,
                                   std::uint16_t port) override;
  [[nodiscard]] bool lookupAllowed(std::string_view name) override;
  [[nodiscard]] engine::SocketGrant socketOpened(engine::SocketCount count) override;
  void socketClosed(engine::SocketCount count) override;
  [[nodiscard]] bool fileOpened() override;
  void fileClosed() override;

  // On the shard.
  void startEgress(std::shared_ptr<engine::OutgoingRequest> request) override;
  // Cancels all requests under way and refuses new ones.
  void stop();

 private:
  // Logs a denial.
  [[nodiscard]] bool pass(const Verdict& verdict);

  ShardRuntime& shard_;
  const std::shared_ptr<ComponentRuntime> component_;
  bool stopped_ = false;
  TaskSet outgoing_;
};

}  // namespace nimbus::host
