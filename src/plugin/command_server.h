#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/result.h"
#include "engine/component.h"
#include "host/bindings/providers.h"
#include "host/data_plane.h"
#include "net/address.h"
#include "plugin/hook_context.h"
#include "plugin/permissions.h"
#include "plugin/plugin.h"
#include "wrpc/invoker.h"

namespace nimbus::plugin {

// Providers that a data plane finds by name (host::FindGiven). Any thread.
class GivenByName {
 public:
  void set(const std::string& name, std::shared_ptr<wrpc::Invoker> provider);
  [[nodiscard]] Result<host::Given> find(const std::string& name) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<wrpc::Invoker>> providers_;
};

// The HTTP that a plugin exports, served while a command of it runs. Each request has an instance
// of its own, which nobody has initialized and which has no runner; it sees the plugin's folders,
// and its configuration as the command leaves it from moment to moment, and reaches the hosts that
// were agreed to before. Main thread; blocks.
//
//   TRY(const auto server, CommandServer::start(plane, given, what, where));
//   … run the command …
//   server->end();
class CommandServer {
 public:
  struct What {
    const Plugin& plugin;
    const Permissions& permissions;
    std::shared_ptr<const engine::Component> component;
    std::shared_ptr<const HookContext> config;  // changed on the plane's only shard
  };
  // The plane has one shard, and finds `given`; both outlive it.
  [[nodiscard]] static Result<std::unique_ptr<CommandServer>> start(host::DataPlane& plane,
                                                                    GivenByName& given,
                                                                    const What& what,
                                                                    const net::Endpoint& where);
  CommandServer(const CommandServer&) = delete;
  CommandServer& operator=(const CommandServer&) = delete;
  ~CommandServer() { end(); }

  [[nodiscard]] const net::Endpoint& address() const { return address_; }
  // Takes no requests any more, and lets those that run finish for a moment.
  void end();

 private:
  explicit CommandServer(host::DataPlane& plane) : plane_(plane) {}

  host::DataPlane& plane_;
  std::shared_ptr<host::Deployment> deployment_;
  net::Endpoint address_;
};

}  // namespace nimbus::plugin
