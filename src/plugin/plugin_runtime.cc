#include "plugin/plugin_runtime.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/metrics.h"

#include "host/data_plane.h"
#include "net/blocking_worker.h"
#include "net/stoppable.h"
#include "net/watch.h"
#include "plugin/config_file.h"
#include "plugin/info_json.h"
#include "plugin/plugin_binary.h"
#include "plugin/plugin_instance.h"
#include "wit/component_info.h"

namespace nimbus::plugin {
namespace {

// One may ask the user while another's program runs.
constexpr std::size_t kWorkerThreads = 2;

// Threads that begin meanwhile leave Ctrl-C to the command that plugins hook into.
using ThreadsBegin = std::optional<net::TerminationSignalsBlocked>;

// What the binary itself says of a plugin.
Result<PluginInfo> infoOfBinary(ByteView wasm) {
  TRY(const wit::ComponentInfo component, wit::inspectComponent(wasm));
  if (component.kind != wit::BinaryKind::kComponent)
    return fail(ErrorCode::kInvalidArgument, "a plugin is a component, and this is a core module");
  std::vector<std::string> exports;
  for (const wit::ExternName& each : component.exports) exports.push_back(each.name);
  PluginInfo info;
  TRY(info.abi, abiOf(exports));
  const std::string_view contract = adapterOf(info.abi).pluginInterface();
  for (const wit::ExternName& each : component.exports) {
    if (each.kind == "instance" && each.name != contract) info.interfaces.push_back(each.name);
  }
  info.uses_http = std::ranges::any_of(component.imports, [](const wit::ExternName& import) {
    return import.parts.interface == "wasi:http/outgoing-handler" ||
           import.parts.interface == "wasi:http/client";
  });
  return info;
}

void readUsesOfRunner(const engine::Component& component, PluginInfo& info) {
  constexpr std::array<std::string_view, 4> kPrograms{
      "runner.exec", "runner.start", "runner.host-exec", "runner.host-exec-background"};
  const std::string_view contract = adapterOf(info.abi).typesInterface();
  for (const engine::ComponentImport& import : component.imports()) {
    if (import.interface != contract) continue;
    for (const auto& function : import.functions) {
      info.uses_runner = true;
      if (std::ranges::find(kPrograms, function.wire_name) != kPrograms.end())
        info.runs_programs = true;
    }
  }
}

// With its length, so that no two lists of parts look the same.
void addPart(std::string& text, std::string_view part) {
  text += fmt::format("{} ", part.size());
  text += part;
}

std::string termsOf(const Permissions& permissions, const std::vector<AllowRule>& allow,
                    const HookContext::Entries& configured) {
  std::string text;
  for (const Permissions::Folder& folder : permissions.folders()) {
    addPart(text, folder.read_only ? "read" : "write");
    addPart(text, folder.host_path);
  }
  for (const AllowRule& rule : allow) {
    addPart(text, rule.declared ? "declared" : "rule");
    addPart(text, describe(rule.grant));
  }
  for (const auto& [key, value] : configured) {
    addPart(text, "configured");
    addPart(text, key);
    addPart(text, value);
  }
  return text;
}

}  // namespace

Result<std::shared_ptr<const engine::Component>> loadPlugin(const Plugin& plugin,
                                                            engine::Engine& engine) {
  TRY(const std::string content, readBinary(plugin));
  return engine.load(asBytes(content));
}

// The engine and one shard.
struct PluginRuntime::Machine {
  std::unique_ptr<engine::Engine> engine;
  MetricRegistry metrics;
  GivenByName given;
  std::unique_ptr<host::DataPlane> plane;
};

PluginRuntime::PluginRuntime(PluginRuntimeOptions options, ProcessRunner& runner, Consent& consent,
                             Logger& log, const Clock& clock)
    : options_(std::move(options)),
      allow_(options_.permissions.allow),
      configured_(options_.configured),
      runner_(runner),
      consent_(consent),
      log_(log),
      clock_(clock),
      grants_(options_.plugins_folder) {}

PluginRuntime::~PluginRuntime() = default;

Result<PluginRuntime::Machine*> PluginRuntime::machine() {
  if (machine_) return machine_.get();
  auto made = std::make_unique<Machine>();
  engine::EngineOptions engine = options_.engine;
  engine.max_instances = 32;
  TRY(made->engine, engine::Engine::create(std::move(engine), log_));
  host::DataPlaneOptions plane;
  plane.shards = 1;
  plane.runtime.egress.allow_host_loopback = true;  // of which the user agrees to each port
  plane.runtime.providers.given = [&given = made->given](const std::string& name) {
    return given.find(name);
  };
  TRY(made->plane,
      host::DataPlane::create(std::move(plane), *made->engine, log_, made->metrics, clock_));
  machine_ = std::move(made);
  return machine_.get();
}

// Runs on the shard; the result is the caller's, who waits.
template <typename T>
Task<void> PluginRuntime::callOn(host::ShardRuntime& shard,
                                 std::shared_ptr<const engine::Component> component,
                                 InstanceParts parts, Use<T>& use, Result<T>& result,
                                 std::stop_token stop) {
  auto instance = PluginInstance::create(shard, std::move(component), use.limits, std::move(parts));
  if (!instance) {
    result = std::unexpected(std::move(instance).error());
    co_return;
  }
  std::optional<Result<T>> said;
  co_await net::keepUnlessStopped(shard.shard, use.call(**instance), &said, std::move(stop));
  if (said)
    result = *std::move(said);
  else
    result = fail(ErrorCode::kCancelled, "interrupted");
}

InstanceParts PluginRuntime::partsOf(Standing& standing, HookContext& context,
                                     net::BlockingWorker& worker, PrintLine print) {
  return {.plugin = standing.plugin,
          .permissions = standing.permissions,
          .context = context,
          .config = standing.config,
          .runner = runner_,
          .background = background_,
          .worker = worker,
          .log = log_,
          .clock = clock_,
          .print = std::move(print)};
}

template <typename T>
Result<T> PluginRuntime::callIn(Standing& standing,
                                std::shared_ptr<const engine::Component> component,
                                HookContext& context, Use<T> use) {
  Result<T> result = fail(ErrorCode::kCancelled, "the plugin was not run");
  ThreadsBegin threads(std::in_place);
  net::BlockingWorker worker(kWorkerThreads);
  threads.reset();
  machine_->plane->runTask(0, [&](host::ShardRuntime& shard) {
    InstanceParts parts =
        partsOf(standing, context, worker,
                use.through_streams ? printThrough() : printToStderr(standing.plugin.name()));
    parts.through_streams = use.through_streams;
    return callOn<T>(shard, component, std::move(parts), use, result,
                     options_.stop ? options_.stop() : std::stop_token());
  });
  return result;
}

Result<std::unique_ptr<PluginRuntime::Standing>> PluginRuntime::standing(Plugin plugin) {
  if (const auto whole = grants_.check(); !whole && !told_of_damage_.exchange(true))
    log_.warn(whole.error().describe());
  TRY(Agreed agreed, grants_.agreedTo(plugin.identity()));
  TRY(HookContext::Entries kept, readConfigFile(plugin.config_path));
  PermissionOptions permissions = options_.permissions;
  HookContext::Entries configured;
  {
    const std::lock_guard lock(configuring_);
    permissions.allow = allow_;
    if (const auto found = configured_.find(plugin.name()); found != configured_.end())
      configured = found->second;
  }
  std::erase_if(permissions.allow, [&](const auto& rule) { return rule.plugin != plugin.name(); });
  const std::vector<AllowRule> allow = permissions.allow;
  for (const auto& [key, value] : configured) kept.insert_or_assign(key, value);
  const PluginIdentity identity = plugin.identity();
  std::unique_ptr<Standing> made(
      new Standing{.plugin = plugin,
                   .permissions{identity, plugin.info, std::move(permissions), std::move(agreed),
                                grants_, consent_},
                   .config = HookContext(std::move(kept))});
  made->terms = termsOf(made->permissions, allow, configured);
  return made;
}

void PluginRuntime::configure(std::vector<AllowRule> allow, PluginConfiguration configured) {
  const std::lock_guard lock(configuring_);
  allow_ = std::move(allow);
  configured_ = std::move(configured);
}

Result<std::shared_ptr<const engine::Component>> PluginRuntime::load(const Plugin& plugin,
                                                                     Machine& machine) {
  const std::shared_ptr<void> told =
      options_.compiling ? options_.compiling(plugin.name()) : nullptr;
  return loadPlugin(plugin, *machine.engine);
}

template <typename T>
Result<T> PluginRuntime::call(const Plugin& plugin, HookContext& context, Use<T> use) {
  ThreadsBegin threads(std::in_place);
  TRY(Machine* const machine, this->machine());
  TRY(const auto component, load(plugin, *machine));
  threads.reset();
  TRY(auto made, this->standing(plugin));
  const std::shared_ptr<Standing> standing(std::move(made));
  const HookContext::Entries before = standing->config.below("");
  std::unique_ptr<CommandServer> server;
  if (use.serves_http) {
    TRY(server, serveHttp(standing, component, context));
  }
  Result<T> result = callIn<T>(*standing, component, context, std::move(use));
  server.reset();
  if (standing->config.changes() != 0) {
    TRY_VOID(
        changeConfigFile(plugin.config_path, changesBetween(before, standing->config.below(""))));
  }
  return result;
}

Result<std::unique_ptr<CommandServer>> PluginRuntime::serveHttp(
    const std::shared_ptr<Standing>& standing,
    const std::shared_ptr<const engine::Component>& component, HookContext& context) {
  const Plugin& plugin = standing->plugin;
  if (!handlesHttp(plugin.info)) return nullptr;
  auto server = CommandServer::start(
      *machine_->plane, machine_->given,
      {.plugin = plugin,
       .permissions = standing->permissions,
       .component = component,
       .config = std::shared_ptr<const HookContext>(standing, &standing->config)},
      options_.http_address);
  if (!server) {
    return fail(server.error().code(),
                "the HTTP that it serves while its command runs (--plugin-address)",
                std::move(server).error());
  }
  const std::string address = (*server)->address().toString();
  TRY_VOID(context.set("plugin.http_address", address));
  log_.info("serves HTTP while its command runs",
            {{"plugin", plugin.name()}, {"url", "http://" + address + "/"}});
  return server;
}

Result<PluginInfo> PluginRuntime::inspect(const Bytes& wasm) {
  TRY(PluginInfo binary, infoOfBinary(wasm.view()));
  ThreadsBegin threads(std::in_place);
  TRY(Machine* const machine, this->machine());
  TRY(const auto component, machine->engine->load(wasm.view()));
  threads.reset();
  readUsesOfRunner(*component, binary);
  Plugin plugin;
  plugin.info = binary;
  plugin.info.metadata.name = "new";
  NoConsent nobody;
  Standing none{.plugin = plugin,
                .permissions{plugin.identity(), plugin.info, {}, {}, grants_, nobody},
                .config{}};
  HookContext empty;
  TRY(PluginInfo info,
      callIn<PluginInfo>(none, component, empty,
                         {.limits = kInfoLimits,
                          .call = [](PluginInstance& instance) { return instance.info(); }}));
  info.interfaces = binary.interfaces;
  info.uses_http = binary.uses_http;
  info.uses_runner = binary.uses_runner;
  info.runs_programs = binary.runs_programs;
  TRY_VOID(checkInfo(info));
  if (infoJson(info).size() > kMaxInfoBytes) {
    return fail(ErrorCode::kResourceExhausted, "the plugin says more than a mebibyte of itself");
  }
  return info;
}

Result<std::string> PluginRuntime::run(const Plugin& plugin, types::Invocation invocation,
                                       HookContext& context) {
  return call<std::string>(
      plugin, context,
      {.limits = kCommandLimits,
       .through_streams = !options_.keep_output_clean,
       .serves_http = true,
       .call = [&](PluginInstance& instance) { return instance.run(std::move(invocation)); }});
}

Result<std::string> PluginRuntime::hook(const Plugin& plugin, types::Event event,
                                        HookContext& context) {
  return call<std::string>(plugin, context,
                           {.limits = kHookLimits, .call = [&](PluginInstance& instance) {
                              return instance.hook(std::move(event));
                            }});
}

Result<std::string> PluginRuntime::devRegister(const Plugin& plugin, HookContext& context) {
  return call<std::string>(plugin, context,
                           {.limits = kHookLimits, .call = [](PluginInstance& instance) {
                              return instance.devRegister();
                            }});
}

Result<std::vector<types::Finding>> PluginRuntime::check(const Plugin& plugin,
                                                         HookContext& context) {
  return call<std::vector<types::Finding>>(
      plugin, context,
      {.limits = kCheckLimits, .call = [](PluginInstance& instance) { return instance.check(); }});
}

Result<void> PluginRuntime::allowVariable(const Plugin& plugin, const std::string& name) {
  TRY(const auto standing, this->standing(plugin));
  return standing->permissions.variable(name);
}

Result<std::vector<Need>> PluginRuntime::settleNeeds(const Plugin& plugin, Settling how) {
  TRY(const auto standing, this->standing(plugin));
  return standing->permissions.settleNeeds(how);
}

}  // namespace nimbus::plugin
