#include "plugin/served_plugin.h"

#include <utility>

#include "engine/outgoing_request.h"
#include "host/calls/passed_request.h"
#include "plugin/config_file.h"

namespace nimbus::plugin {
namespace {

// As the lines of components.
PrintLine printToLog(std::string name, Logger& log) {
  return [name = "plugin-" + std::move(name), &log](int stream, std::string_view line) {
    log.write(LogLevel::kInfo, line,
              {{"component", name}, {"stream", stream == 1 ? "stdout" : "stderr"}});
  };
}

}  // namespace

// One consumer with an instance of its own.
class ServedPlugin::OwnSession final : public wrpc::Session {
 public:
  explicit OwnSession(std::shared_ptr<ServedPlugin> plugin)
      : plugin_(std::move(plugin)),
        instance_(plugin_->serveInstance()),
        caller_(instance_->join()) {}

  Eventual<Result<wrpc::Values>> invoke(const wrpc::CallContext& context, wrpc::FunctionId function,
                                        wrpc::Values params) override {
    return instance_->invoke(caller_, context, function, std::move(params));
  }
  void drop(ByteView handle) override { instance_->drop(handle); }
  [[nodiscard]] bool owns(ByteView handle) const override { return instance_->owns(handle); }
  [[nodiscard]] bool inUse() const override { return instance_->inUse(); }

 private:
  const std::shared_ptr<ServedPlugin> plugin_;
  const std::unique_ptr<ServedInstance> instance_;
  const ServedInstance::Caller caller_;
};

// One consumer of the instance for all.
class ServedPlugin::SharedSession final : public wrpc::Session {
 public:
  explicit SharedSession(std::shared_ptr<ServedPlugin> plugin) : plugin_(std::move(plugin)) {}
  ~SharedSession() override {
    if (caller_ && plugin_->for_all_) plugin_->for_all_->leave(caller_);
  }

  Eventual<Result<wrpc::Values>> invoke(const wrpc::CallContext& context, wrpc::FunctionId function,
                                        wrpc::Values params) override {
    if (plugin_->ended_)
      return Result<wrpc::Values>(fail(ErrorCode::kUnavailable, "the plugin has ended"));
    ServedInstance& instance = plugin_->forAll();
    if (!caller_) caller_ = instance.join();
    return instance.invoke(caller_, context, function, std::move(params));
  }
  void drop(ByteView handle) override {
    if (plugin_->for_all_) plugin_->for_all_->drop(handle);
  }
  [[nodiscard]] bool owns(ByteView handle) const override {
    return plugin_->for_all_ && plugin_->for_all_->owns(handle);
  }
  [[nodiscard]] bool inUse() const override {
    return plugin_->for_all_ && plugin_->for_all_->inUse();
  }

 private:
  const std::shared_ptr<ServedPlugin> plugin_;
  ServedInstance::Caller caller_;  // once it has called
};

ServedPlugin::ServedPlugin(std::unique_ptr<PluginRuntime::Standing> standing,
                           std::shared_ptr<const engine::Component> component, Parts parts)
    : standing_(std::move(standing)),
      component_(std::move(component)),
      parts_(parts),
      print_(printToLog(standing_->plugin.name(), parts_.log)),
      names_(component_, nullptr, {}, parts_.log),
      kept_changes_(standing_->config.changes()),
      kept_(standing_->config.below("")) {}

Result<wrpc::FunctionId> ServedPlugin::resolve(const wrpc::FunctionName& name) {
  auto id = names_.resolve(name);
  if (id) return *id;
  const ErrorCode code = id.error().code();
  return fail(code, "plugin " + standing_->plugin.name(), std::move(id).error());
}

std::unique_ptr<wrpc::Session> ServedPlugin::open(
    net::Shard& /*shard*/, std::shared_ptr<const wrpc::Consumer> /*consumer*/) {
  if (isLongLived()) return std::make_unique<SharedSession>(shared_from_this());
  return std::make_unique<OwnSession>(shared_from_this());
}

bool ServedPlugin::isLongLived() const {
  const auto& dev_register = standing_->plugin.info.metadata.dev_register;
  return dev_register && dev_register->long_lived;
}

ServedInstance& ServedPlugin::forAll() {
  if (!for_all_) for_all_ = serveInstance();
  return *for_all_;
}

void ServedPlugin::start(net::Shard& /*shard*/, std::shared_ptr<engine::OutgoingRequest> request) {
  if (ended_) return request->close();
  const auto failures = component_->kind() == engine::ComponentKind::kHttpP3
                            ? host::FailuresAs::kErrorCodes
                            : host::FailuresAs::kResponses;
  const auto answering = [this](http::ServerRequest& passed, http::ResponseWriter& response) {
    return answer(passed, response);
  };
  requests_.spawn(host::passRequest(std::move(request), failures, answering));
}

Task<void> ServedPlugin::answer(http::ServerRequest& request, http::ResponseWriter& response) {
  if (isLongLived()) {
    co_await forAll().serve(request, response);
    co_return;
  }
  const std::unique_ptr<ServedInstance> own = serveInstance();
  co_await own->serve(request, response);
}

std::unique_ptr<ServedInstance> ServedPlugin::serveInstance() {
  return std::make_unique<ServedInstance>(
      parts_.shard.shard, [this] { return makeInstance(); }, [this] { keepConfig(); });
}

Result<std::unique_ptr<PluginInstance>> ServedPlugin::makeInstance() {
  if (ended_) return fail(ErrorCode::kUnavailable, "the plugin has ended");
  return PluginInstance::create(
      parts_.shard, component_, kServedLimits,
      parts_.runtime.partsOf(*standing_, parts_.context, parts_.worker, print_));
}

void ServedPlugin::keepConfig() {
  const std::uint64_t changes = standing_->config.changes();
  const std::string& path = standing_->plugin.config_path;
  if (changes == std::exchange(kept_changes_, changes) || path.empty()) return;
  HookContext::Entries now = standing_->config.below("");
  ConfigChanges made = changesBetween(kept_, now);
  kept_ = std::move(now);
  parts_.writer.post([path, made = std::move(made), &log = parts_.log]() {
    if (auto written = changeConfigFile(path, made); !written)
      log.warn("what a plugin keeps could not be written",
               {{"reason", written.error().describe()}});
  });
}

void ServedPlugin::end() {
  ended_ = true;
  requests_.cancelAll();
  for_all_.reset();
}

}  // namespace nimbus::plugin
