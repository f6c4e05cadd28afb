#pragma once

#include <memory>

#include "base/log.h"
#include "base/task.h"
#include "engine/component_invoker.h"
#include "engine/import_set.h"
#include "host/calls/shard_runtime.h"
#include "net/blocking_worker.h"
#include "plugin/plugin_runtime.h"
#include "plugin/served_instance.h"
#include "wrpc/invoker.h"

namespace nimbus::plugin {

// What an installed plugin exports beside its contract, for components to call. Its instances are
// those of hooks and commands: the same sandbox, the same permissions, a runner to be initialized
// with. Each session has an instance of its own; or, if the plugin asks for that, there is one for
// all of them.
//
// HTTP requests that components pass on are answered by the handler among those exports: by the
// instance for all, or by one of their own each.
//
// Serves one shard, where end() comes last. An Invoker's other functions: any thread.
class ServedPlugin final : public wrpc::Invoker,
                           public engine::RequestTarget,
                           public std::enable_shared_from_this<ServedPlugin> {
 public:
  struct Parts {
    PluginRuntime& runtime;
    host::ShardRuntime& shard;
    HookContext& context;         // of the command; on the shard while there are plugins
    net::BlockingWorker& worker;  // for programs and questions
    net::BlockingWorker& writer;  // for files; one thread
    Logger& log;
  };
  // `standing` is the plugin, `component` its binary; what Parts refers to outlives it.
  ServedPlugin(std::unique_ptr<PluginRuntime::Standing> standing,
               std::shared_ptr<const engine::Component> component, Parts parts);

  [[nodiscard]] Result<wrpc::FunctionId> resolve(const wrpc::FunctionName& name) override;
  [[nodiscard]] std::unique_ptr<wrpc::Session> open(
      net::Shard& shard, std::shared_ptr<const wrpc::Consumer> consumer) override;

  // On the shard.
  void start(net::Shard& shard, std::shared_ptr<engine::OutgoingRequest> request) override;
  [[nodiscard]] bool servesHttp() const { return engine::isHttp(component_->kind()); }

  // Ends the instance for all; calls fail from then on.
  void end();

 private:
  class OwnSession;
  class SharedSession;
  [[nodiscard]] Result<std::unique_ptr<PluginInstance>> makeInstance();
  [[nodiscard]] std::unique_ptr<ServedInstance> serveInstance();
  [[nodiscard]] bool isLongLived() const;
  // Made when it is needed first; not once it has ended.
  [[nodiscard]] ServedInstance& forAll();
  [[nodiscard]] Task<void> answer(http::ServerRequest& request, http::ResponseWriter& response);
  void keepConfig();

  const std::unique_ptr<PluginRuntime::Standing> standing_;
  const std::shared_ptr<const engine::Component> component_;
  const Parts parts_;
  const PrintLine print_;
  engine::ComponentInvoker names_;  // makes no instances
  std::uint64_t kept_changes_ = 0;  // of the configuration, written or on their way
  HookContext::Entries kept_;       // the configuration after them
  bool ended_ = false;
  std::unique_ptr<ServedInstance> for_all_;
  TaskSet requests_;  // go before the instances
};

}  // namespace nimbus::plugin
