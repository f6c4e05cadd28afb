#pragma once

#include <memory>
#include <string>

#include "base/sync.h"
#include "engine/guest_context.h"
#include "engine/outgoing_request.h"
#include "host/calls/component_runtime.h"
#include "host/calls/shard_runtime.h"
#include "net/blocking_worker.h"
#include "plugin/permissions.h"
#include "plugin/plugin_log.h"

namespace nimbus::plugin {

// What an instance of a plugin asks of this process: its lines are printed, sockets are refused,
// and a request goes out once the user has agreed to its host. On the shard where not said
// otherwise.
class PluginGuestHost final : public engine::GuestHost {
 public:
  // What it is given outlives it, or its stop(); `permissions` outlives the worker too.
  PluginGuestHost(host::ShardRuntime& shard, std::shared_ptr<host::ComponentRuntime> component,
                  Permissions& permissions, net::BlockingWorker& worker, PrintLine print);

  // Any thread.
  void print(int stream, std::string_view line) override { print_(stream, line); }
  [[nodiscard]] bool socketAllowed(engine::SocketUse /*use*/, const net::IpAddress& /*address*/,
                                   std::uint16_t /*port*/) override {
    return false;
  }
  [[nodiscard]] bool lookupAllowed(std::string_view /*name*/) override { return false; }
  [[nodiscard]] engine::SocketGrant socketOpened(engine::SocketCount /*count*/) override {
    return engine::SocketGrant::kNotPermitted;
  }
  void socketClosed(engine::SocketCount /*count*/) override {}

  void startEgress(std::shared_ptr<engine::OutgoingRequest> request) override;
  // Cancels all requests under way and refuses new ones.
  void stop();

 private:
  Task<void> carryOutAllowed(std::shared_ptr<engine::OutgoingRequest> request);

  host::ShardRuntime& shard_;
  const std::shared_ptr<host::ComponentRuntime> component_;
  Permissions& permissions_;
  net::BlockingWorker& worker_;
  const PrintLine print_;
  bool stopped_ = false;
  TaskSet outgoing_;
};

}  // namespace nimbus::plugin
