#include "plugin/plugin_instance.h"

#include <utility>

#include "capability/config/config.h"
#include "capability/logging/logging.h"
#include "engine/import_set.h"
#include "host/egress/egress.h"
#include "plugin/sandbox_folders.h"
#include "plugin/unserved_import.h"

namespace nimbus::plugin {
namespace {

host::CallPolicy policyOf(CallLimits limits) {
  host::CallPolicy policy;
  policy.timeout = limits.wall_time;
  policy.cpu_limit = limits.cpu_time;
  policy.max_memory_bytes = kMaxMemoryBytes;
  return policy;
}

ProcessSpec specOf(std::string path, ProgramCall call) {
  ProcessSpec spec;
  spec.arguments.push_back(std::move(path));
  for (std::string& argument : call.arguments) spec.arguments.push_back(std::move(argument));
  spec.input = std::move(call.input);
  spec.timeout = call.time_limit;
  return spec;
}

}  // namespace

PluginInstance::PluginInstance(host::ShardRuntime& shard,
                               std::shared_ptr<const engine::Component> component,
                               CallLimits limits, InstanceParts parts)
    : shard_(shard),
      component_(std::move(component)),
      limits_(limits),
      parts_(std::move(parts)),
      abi_(adapterOf(parts_.plugin.info.abi)) {}

PluginInstance::~PluginInstance() {
  stop_.request_stop();
  caller_.reset();
  session_.reset();
  invoker_.reset();
  if (guest_host_) guest_host_->stop();
}

Result<std::unique_ptr<PluginInstance>> PluginInstance::create(
    host::ShardRuntime& shard, std::shared_ptr<const engine::Component> component,
    CallLimits limits, InstanceParts parts) {
  std::unique_ptr<PluginInstance> instance(
      new PluginInstance(shard, std::move(component), limits, std::move(parts)));
  TRY_VOID(instance->build());
  return instance;
}

Result<void> PluginInstance::build() {
  contract_ = std::make_shared<PreparedSession>(
      std::make_shared<wrpc::ServiceInvoker>(std::vector{abi_.serve()}), shard_.shard);
  TRY(const engine::GuestContextOptions options, contextOptions());
  const auto component_log = std::make_shared<host::ComponentLog>(
      host::ComponentIdentity{"plugin/" + parts_.plugin.name(), parts_.plugin.name(), 0},
      parts_.log, parts_.clock);
  const auto runtime = std::make_shared<host::ComponentRuntime>(
      parts_.plugin.name(), component_, policyOf(limits_), options,
      std::make_shared<const host::EgressPolicy>(), component_log, std::vector<host::BindingUse>());
  guest_host_ = std::make_shared<PluginGuestHost>(shard_, runtime, parts_.permissions,
                                                  parts_.worker, parts_.print);
  TRY(guest_context_, engine::GuestContext::create(shard_.shard, options, guest_host_));
  engine::ComponentInvokerOptions calls;
  calls.cpu_limit = limits_.cpu_time;
  calls.time_limit = limits_.wall_time;
  calls.provided_resources = engine::ProvidedResources::kAccepted;
  // The environment is this object, which outlives the invoker.
  const std::shared_ptr<engine::GuestEnvironment> environment(
      std::shared_ptr<void>(), static_cast<engine::GuestEnvironment*>(this));
  invoker_ = std::make_unique<engine::ComponentInvoker>(component_, environment, calls, parts_.log);
  session_ = invoker_->openForExchanges(shard_.shard);
  caller_.emplace(*invoker_, *session_, abi_.pluginInterface());
  return {};
}

Result<engine::GuestContextOptions> PluginInstance::contextOptions() {
  engine::GuestContextOptions options;
  options.arguments.push_back(parts_.plugin.name());
  options.max_memory_bytes = kMaxMemoryBytes;
  options.max_table_elements = 100'000;
  options.stdio =
      parts_.through_streams ? engine::GuestStdio::kInherit : engine::GuestStdio::kLines;
  TRY(const std::vector<Permissions::Folder> folders,
      sandboxFolders(parts_.plugin, parts_.permissions));
  for (const Permissions::Folder& folder : folders)
    options.volumes.push_back({folder.host_path, folder.guest_path, folder.read_only});
  TRY(options.imports, imports());
  return options;
}

Result<std::shared_ptr<const engine::ImportSet>> PluginInstance::imports() {
  const auto consumer = std::make_shared<wrpc::Consumer>();
  const HookContext::Entries values = parts_.config.below("");
  const auto config = config::serveConfig({values.begin(), values.end()});
  const auto logging =
      logging::serveLogging(std::make_shared<PluginLogSink>(parts_.plugin.name(), parts_.log));
  std::vector<engine::ImportBinding> bindings{
      {std::string(abi_.typesInterface()), "", contract_, consumer},
      {"wasi:config/store@0.2.0-rc.1", "", config, consumer},
      {"wasi:config/runtime@0.2.0-draft", "", config, consumer},
      {"wasi:logging/logging@0.1.0-draft", "", logging, consumer}};
  for (const engine::ComponentImport& import : component_->imports()) {
    if (engine::findBinding(bindings, import) == nullptr)
      bindings.push_back({import.name, "", unservedImport(import.name), consumer});
  }
  return engine::ImportSet::create(*component_, std::move(bindings));
}

Result<AbiAdapter::Runner> PluginInstance::makeRunner() {
  TRY(std::string handle, contract_->give(abi_.runnerType(), abi_.makeRunner(*this)));
  return AbiAdapter::Runner{std::move(handle)};
}

// After a failure there is no second one, which nobody has initialized.
Result<std::shared_ptr<void>> PluginInstance::admit(net::Shard& /*shard*/,
                                                    engine::LiveSession& /*session*/) {
  if (std::exchange(admitted_, true))
    return fail(ErrorCode::kUnavailable, "the plugin's instance has ended");
  return std::shared_ptr<void>();
}

void PluginInstance::beginCall() { caller_->setDeadline(shard_.shard.now() + limits_.wall_time); }

Task<Result<void>> PluginInstance::initialize() {
  beginCall();
  if (std::exchange(initialized_, true)) co_return Result<void>();
  CO_TRY(auto runner, makeRunner());
  co_return co_await abi_.initialize(*caller_, std::move(runner));
}

Task<Result<PluginInfo>> PluginInstance::info() {
  beginCall();
  return abi_.info(*caller_);
}

Task<Result<std::string>> PluginInstance::run(types::Invocation invocation) {
  CO_TRY_VOID(co_await initialize());
  CO_TRY(auto runner, makeRunner());
  co_return co_await abi_.run(*caller_, std::move(runner), std::move(invocation));
}

Task<Result<std::string>> PluginInstance::hook(types::Event event) {
  CO_TRY_VOID(co_await initialize());
  CO_TRY(auto runner, makeRunner());
  co_return co_await abi_.hook(*caller_, std::move(runner), std::move(event));
}

Task<Result<std::string>> PluginInstance::devRegister() {
  CO_TRY_VOID(co_await initialize());
  CO_TRY(auto runner, makeRunner());
  co_return co_await abi_.devRegister(*caller_, std::move(runner));
}

Task<Result<std::vector<types::Finding>>> PluginInstance::check() {
  CO_TRY_VOID(co_await initialize());
  CO_TRY(auto runner, makeRunner());
  co_return co_await abi_.check(*caller_, std::move(runner));
}

// What the jobs use outlives the worker, and so them; this object may be gone.
Task<Result<ProcessOutcome>> PluginInstance::exec(ProgramCall call) {
  return parts_.worker.run<Result<ProcessOutcome>>(
      shard_.shard,
      [&permissions = parts_.permissions, &runner = parts_.runner, call = std::move(call),
       stop = stop_.get_token()]() mutable -> Result<ProcessOutcome> {
        TRY(std::string path, permissions.program(call.program, call.arguments));
        ProcessSpec spec = specOf(std::move(path), std::move(call));
        spec.stop = std::move(stop);
        return runner.run(spec);
      });
}

Task<Result<std::uint32_t>> PluginInstance::start(ProgramCall call) {
  return parts_.worker.run<Result<std::uint32_t>>(
      shard_.shard,
      [&permissions = parts_.permissions, &runner = parts_.runner, &background = parts_.background,
       name = parts_.plugin.name(), call = std::move(call)]() mutable -> Result<std::uint32_t> {
        TRY(std::string path, permissions.program(call.program, call.arguments));
        TRY(auto process, runner.start(specOf(std::move(path), std::move(call))));
        return background.add(name, std::move(process));
      });
}

bool PluginInstance::stop(std::uint32_t process) {
  return parts_.background.stop(parts_.plugin.name(), process);
}

}  // namespace nimbus::plugin
