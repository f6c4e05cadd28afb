#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>

#include "base/eventual.h"
#include "base/result.h"
#include "base/sync.h"
#include "base/task.h"
#include "engine/exchange.h"
#include "host/calls/relay.h"
#include "host/calls/session_caller.h"
#include "http/handler.h"
#include "plugin/plugin_instance.h"
#include "wrpc/invoker.h"

namespace nimbus::plugin {

// An instance of a plugin as components call it: made and initialized when it is called first, and
// anew by the next call after it failed, so that a failure is that of the calls which were on it. A
// call that has begun runs to its end, within the instance's limits, also if its caller goes away:
// what the plugin remembers does not depend on who was patient. On one shard.
class ServedInstance {
 public:
  using Make = std::function<Result<std::unique_ptr<PluginInstance>>()>;
  // `ended` is told after each call.
  ServedInstance(net::Shard& shard, Make make, std::function<void()> ended)
      : shard_(shard), make_(std::move(make)), ended_(std::move(ended)) {}
  ServedInstance(const ServedInstance&) = delete;
  ServedInstance& operator=(const ServedInstance&) = delete;

  // Those who share it.
  using Caller = std::shared_ptr<host::SessionCaller>;
  [[nodiscard]] Caller join() { return callers_.join(); }
  void leave(const Caller& caller);

  // As those of a wrpc::Session.
  [[nodiscard]] Eventual<Result<wrpc::Values>> invoke(Caller caller,
                                                      const wrpc::CallContext& context,
                                                      wrpc::FunctionId function,
                                                      wrpc::Values params);
  // Answers an HTTP request by the handler that the plugin exports, as one call among the others.
  // Destroying the task gives up the response alone.
  [[nodiscard]] Task<void> serve(http::ServerRequest& request, http::ResponseWriter& response);
  void drop(ByteView handle);
  [[nodiscard]] bool owns(ByteView handle) const;
  [[nodiscard]] bool inUse() const;

 private:
  struct Running {
    std::unique_ptr<PluginInstance> instance;
    std::optional<Result<void>> initialized;
    bool failed = false;
    const std::shared_ptr<Event> ready = std::make_shared<Event>();
    TaskSet tasks;  // ends first
  };
  [[nodiscard]] bool serves() const;
  void start();
  void sweep();
  [[nodiscard]] Task<void> initialize(Running* running);
  // Returns once there is an instance that serves.
  [[nodiscard]] Task<Result<void>> untilServes();
  enum class Attempt { kOver, kAgain };
  [[nodiscard]] Task<Attempt> serveOnce(http::ServerRequest& request, host::RequestContent& content,
                                        http::ResponseWriter& response);
  [[nodiscard]] Task<void> finishExchange(Running* running,
                                          std::shared_ptr<engine::Exchange> exchange);
  [[nodiscard]] Task<Result<wrpc::Values>> invokeLater(Caller caller,
                                                       const wrpc::CallContext& context,
                                                       wrpc::FunctionId function,
                                                       wrpc::Values params);
  [[nodiscard]] Eventual<Result<wrpc::Values>> invokeNow(Caller caller,
                                                         const wrpc::CallContext& context,
                                                         wrpc::FunctionId function,
                                                         wrpc::Values params);
  [[nodiscard]] Task<Result<wrpc::Values>> finish(Running* running, Caller caller,
                                                  Task<Result<wrpc::Values>> call);
  [[nodiscard]] Result<wrpc::Values> outcome(Running& running, Result<wrpc::Values> result);

  net::Shard& shard_;
  const Make make_;
  const std::function<void()> ended_;
  host::SessionCallers callers_;
  const std::shared_ptr<int> alive_ = std::make_shared<int>();  // for calls that wait to begin
  std::unique_ptr<Running> running_;                            // the newest
  std::list<std::unique_ptr<Running>> retiring_;  // failed, and calls are still on them
};

}  // namespace nimbus::plugin
