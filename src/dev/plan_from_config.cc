#include "dev/plan_from_config.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "base/escape.h"
#include "base/text.h"
#include "dev/data_patterns.h"
#include "dev/plan_ports.h"
#include "dev/plan_routes.h"
#include "dev/plan_support.h"
#include "engine/proposals.h"
#include "host/manifest/text_rules.h"
#include "project/component_name.h"
#include "project/value_source.h"

namespace nimbus::dev {
namespace {

// One instance answers all, often one call after the other: who waits is not to wait for long.
constexpr std::uint64_t kHostPluginTimeoutMs = 30'000;
// Its workload has a name, too: a DNS label that begins with "host-plugin-".
constexpr std::size_t kMostIdBytes = 50;

namespace fs = std::filesystem;
using project::LoadedConfig;
using project::ProjectConfig;

std::string pathFrom(const std::string& folder, const std::string& path) {
  return path.empty() ? std::string() : (fs::path(folder) / path).lexically_normal().string();
}

template <typename Number>
std::optional<std::uint32_t> narrow(const std::optional<Number>& number) {
  if (!number) return std::nullopt;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(*number, UINT32_MAX));
}

class Planner {
 public:
  Planner(const PlanRequest& request, project::ReadVariable variable, ProcessRunner& runner)
      : request_(request), values_(request.folder, std::move(variable), runner) {}

  Result<std::shared_ptr<const DevPlan>> run() {
    TRY(loaded_, load(request_.folder, request_.flags));
    TRY_VOID(checkSupported(loaded_));
    planServer();
    plan_.blobstore_path = pathFrom(request_.folder, config().dev.wasi_blobstore_path);
    plan_.plugins = {config().plugins.allow, config().plugins.config};
    TRY_VOID(planOwnComponent());
    for (const project::ComponentSettings& settings : config().dev.components)
      TRY_VOID(planComponent(settings));
    for (const project::HostPluginSettings& settings : config().dev.host_plugins)
      TRY_VOID(planHostPlugin(settings));
    TRY_VOID(planService());
    planInterfaces();
    planVolumes();
    TRY(plan_.service_ports, planPorts(config().dev));
    plan_.max_inbound_connections = narrow(config().dev.max_inbound_socket_connections_per_workload)
                                        .value_or(kMaxInboundConnections);
    TRY(plan_.routes, planRoutes(config().dev.routes, plan_.components));
    plan_.sources.insert(plan_.sources.end(), request_.sources.begin(), request_.sources.end());
    return std::make_shared<const DevPlan>(std::move(plan_));
  }

 private:
  [[nodiscard]] const ProjectConfig& config() const { return loaded_.config; }

  // The configuration of a project; where it may stand is watched, also if there is none yet.
  Result<LoadedConfig> load(const std::string& folder, std::vector<project::ConfigFlag> flags) {
    const std::string wash_folder = folder + "/" + std::string(project::kConfigFolder);
    for (const std::string_view name : project::kConfigFileNames)
      plan_.sources.push_back(wash_folder + "/" + std::string(name));
    const project::Project at{folder, project::findConfigFile(wash_folder)};
    const project::ConfigSources sources = project::standardSources(at, request_.user_file);
    if (!sources.user_file.empty()) plan_.sources.push_back(sources.user_file);
    TRY(LoadedConfig loaded, project::loadProjectConfig(at, std::move(flags), request_.user_file));
    for (const project::ConfigProblem& warning : loaded.warnings)
      plan_.warnings.push_back(warning.describe());
    return loaded;
  }

  void planServer() {
    const project::DevSettings& dev = config().dev;
    ServerSettings& server = plan_.server;
    server.address = dev.address;
    server.tls_certificate = pathFrom(request_.folder, dev.tls_cert_path);
    server.tls_key = pathFrom(request_.folder, dev.tls_key_path);
    server.tls_client_ca = pathFrom(request_.folder, dev.tls_ca_path);
    server.keyvalue_path = pathFrom(request_.folder, dev.wasi_keyvalue_path);
    // Upstream's path is a folder.
    std::error_code error;
    if (fs::is_directory(server.keyvalue_path, error)) server.keyvalue_path += "/keyvalue.db";
    server.keyvalue_redis_url = dev.wasi_keyvalue_redis_url;
    server.keyvalue_nats_url = dev.wasi_keyvalue_nats_url;
    server.nats_url = dev.data_nats_url;
    const std::string& roots = dev.http_client_trust_roots;
    server.system_roots = roots == "native" || roots == "webpki-and-native";
    server.web_roots = roots == "webpki" || roots == "webpki-and-native";
    for (const std::string& path : dev.http_client_ca_paths)
      server.client_ca_paths.push_back(pathFrom(request_.folder, path));
    server.connection_wait_ms = host::parseDurationMs(dev.http_connection_wait);
    server.max_outgoing_connections = dev.max_outbound_http_connections_per_workload;
    server.max_outgoing_sockets = narrow(dev.max_outbound_socket_connections_per_workload);
    server.max_connections = dev.max_connections;
    server.plain_registries = dev.allow_insecure_registries;
    server.proposals = engine::proposalsNamed(dev.wasm_proposals);
  }

  // A project with what its configuration says of building it.
  PlannedProject projectOf(std::string component, const std::string& folder,
                           const ProjectConfig& config) {
    PlannedProject project;
    project.component = std::move(component);
    project.folder = folder;
    project.build = config.build;
    if (!config.dev.command.empty()) project.build.command = config.dev.command;
    if (!config.dev.component_path.empty())
      project.build.component_path = config.dev.component_path;
    for (const auto& [name, value] : config.dev.environment) project.build.env[name] = value;
    for (const auto& [name, value] : request_.environment) project.build.env[name] = value;
    // What the user says comes last, and can take back.
    project.ignored = dataPatterns(folder);
    project.ignored.insert(project.ignored.end(), config.dev.watch_ignore.begin(),
                           config.dev.watch_ignore.end());
    project.config = std::make_shared<const ProjectConfig>(config);
    return project;
  }

  // What components write themselves is no source: the database, volumes, blobs.
  std::vector<std::string> dataPatterns(const std::string& folder) {
    std::vector<std::string> patterns = databasePatterns(folder, plan_.server.keyvalue_path);
    const auto addFolder = [&](const std::string& path) {
      if (std::string pattern = pathPattern(folder, path); !pattern.empty())
        patterns.push_back(std::move(pattern) + "/");
    };
    for (const project::DevVolume& volume : config().dev.volumes)
      addFolder(pathFrom(request_.folder, volume.host_path));
    if (!plan_.blobstore_path.empty()) addFolder(plan_.blobstore_path);
    return patterns;
  }

  Result<void> planOwnComponent() {
    PlannedProject project =
        projectOf(project::componentNameOf(request_.folder), request_.folder, config());
    PlannedComponent component;
    component.spec.name = project.component;
    project::ComponentSettings as_workload;
    TRY_VOID(planResources("workload", as_workload, component.spec));
    component.service = config().dev.service;
    if (request_.no_build) {
      if (project.build.component_path.empty())
        return fail(ErrorCode::kInvalidArgument,
                    "without a build, build.component_path or --component-path must say where the "
                    "component is");
      component.spec.file = pathFrom(request_.folder, project.build.component_path);
    } else {
      component.project = plan_.projects.size();
      plan_.projects.push_back(std::move(project));
    }
    plan_.components.push_back(std::move(component));
    return {};
  }

  Result<void> checkName(std::string_view list, const std::string& name) const {
    const bool taken = std::ranges::any_of(
        plan_.components, [&](const PlannedComponent& other) { return other.spec.name == name; });
    if (!taken && !name.starts_with("plugin-")) return {};
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: {} is the name of another component, or of a plugin; choose "
                            "another",
                            list, inQuotes(name)));
  }

  // Where a component lies that is not built here.
  Result<void> planPlace(const std::string& file, const std::string& image,
                         const std::string& pull_policy, host::ComponentSpec& spec) const {
    if (image.empty()) {
      spec.file = pathFrom(request_.folder, file);
      return {};
    }
    spec.image = image;
    if (pull_policy.empty()) return {};
    TRY(spec.pull_policy, oci::parsePullPolicy(pull_policy));
    return {};
  }

  // One that lies somewhere, beside the project's component.
  Result<void> planService() {
    const project::DevSettings& dev = config().dev;
    if (dev.service_file.empty() && dev.service_image.empty()) return {};
    if (dev.service)
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{}: with dev.service the project's component is the service, and "
                              "there is one",
                              dev.service_file.empty() ? "dev.service_image" : "dev.service_file"));
    PlannedComponent component;
    component.service = true;
    component.spec.name = host::kServiceName;
    TRY_VOID(checkName("dev.service", component.spec.name));
    TRY_VOID(planResources("workload", project::ComponentSettings(), component.spec));
    TRY_VOID(
        planPlace(dev.service_file, dev.service_image, dev.service_pull_policy, component.spec));
    plan_.components.push_back(std::move(component));
    return {};
  }

  // It is nobody's but its own: it has neither the workload's values, nor its hosts, nor volumes.
  Result<void> planHostPlugin(const project::HostPluginSettings& settings) {
    TRY_VOID(checkName("dev.host_plugins", settings.id));
    if (!host::isDnsLabel(settings.id))
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("dev.host_plugins: the id {} is not of lower-case letters, digits "
                              "and hyphens",
                              inQuotes(settings.id)));
    if (settings.id.size() > kMostIdBytes)
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("dev.host_plugins: the id {} is longer than {} characters",
                              inQuotes(settings.id), kMostIdBytes));
    PlannedComponent component;
    component.host_plugin = true;
    host::ComponentSpec& spec = component.spec;
    spec.name = settings.id;
    spec.digest = settings.expected_digest;
    spec.shared = host::SharedSpec{.max_restarts = settings.max_restarts};
    spec.timeout_ms = kHostPluginTimeoutMs;
    TRY_VOID(planPlace(settings.file, settings.image, settings.pull_policy, spec));
    host::LocalResources& resources = spec.local_resources;
    TRY_VOID(addValues(fmt::format("dev.host_plugins {}", settings.id),
                       {settings.config, settings.config_from, settings.secret_from},
                       resources.config));
    resources.allowed_hosts = settings.allowed_hosts;
    resources.allowed_ip_name_lookups = settings.allowed_ip_name_lookups;
    plan_.components.push_back(std::move(component));
    return {};
  }

  Result<void> planComponent(const project::ComponentSettings& settings) {
    TRY_VOID(checkName("dev.components", settings.name));
    PlannedComponent component;
    host::ComponentSpec& spec = component.spec;
    spec.name = settings.name;
    spec.pool_size = narrow(settings.pool_size).value_or(0);
    spec.max_invocations = settings.max_invocations.value_or(0);
    spec.max_concurrency = narrow(settings.max_concurrency).value_or(1);
    TRY_VOID(planResources(fmt::format("dev.components {}", settings.name), settings, spec));
    if (!settings.project.empty()) {
      const std::string folder =
          project::absoluteFolder((fs::path(request_.folder) / settings.project).string());
      TRY(const LoadedConfig loaded, load(folder, {}));
      component.project = plan_.projects.size();
      plan_.projects.push_back(projectOf(settings.name, folder, loaded.config));
    } else {
      TRY_VOID(planPlace(settings.file, settings.image, settings.pull_policy, spec));
    }
    plan_.components.push_back(std::move(component));
    return {};
  }

  // What the component may use: that of `workload`, and over it its own.
  Result<void> planResources(const std::string& owner, const project::ComponentSettings& own,
                             host::ComponentSpec& spec) {
    const project::WorkloadSettings& workload = config().workload;
    host::LocalResources& resources = spec.local_resources;
    TRY_VOID(addValues("workload", workload.environment, resources.environment));
    TRY_VOID(addValues(owner, own.environment, resources.environment));
    for (const auto& [name, value] : request_.environment) resources.environment[name] = value;
    resources.config = workload.config;
    for (const auto& [name, value] : own.config) resources.config[name] = value;
    const auto everything = project::TextList{"*"};
    resources.allowed_hosts =
        own.allowed_hosts.value_or(workload.allowed_hosts.value_or(everything));
    resources.allowed_ip_name_lookups =
        own.allowed_ip_name_lookups.value_or(workload.allowed_ip_name_lookups);
    resources.allowed_host_loopback_ports =
        own.allowed_host_loopback_ports.value_or(workload.allowed_host_loopback_ports);
    return {};
  }

  Result<void> addValues(const std::string& owner, const project::ValueLayer& layer,
                         StringMap& into) {
    TRY(project::ResolvedValues resolved, values_.resolve(owner, layer, config()));
    for (auto& [name, value] : resolved.values) into[name] = std::move(value);
    std::ranges::move(resolved.files, std::back_inserter(plan_.sources));
    for (std::string& warning : resolved.warnings)
      if (std::ranges::find(plan_.warnings, warning) == plan_.warnings.end())
        plan_.warnings.push_back(std::move(warning));
    return {};
  }

  void planInterfaces() {
    for (const project::HostInterfaceSettings& settings : config().dev.host_interfaces) {
      host::HostInterface& entry = plan_.host_interfaces.emplace_back();
      entry.name = settings.name;
      entry.namespace_name = settings.namespace_name;
      entry.package = settings.package;
      entry.interfaces = settings.interfaces;
      entry.version = settings.version;
      entry.provider = settings.provider;
      entry.config = settings.config;
    }
  }

  // Every component of the project's sees them.
  void planVolumes() {
    for (const project::DevVolume& settings : config().dev.volumes) {
      const std::string name = fmt::format("dev-volumes-{}", plan_.volumes.size());
      plan_.volumes.push_back(
          {.name = name, .host_path = pathFrom(request_.folder, settings.host_path)});
      for (PlannedComponent& component : plan_.components)
        if (!component.host_plugin)
          component.spec.local_resources.volume_mounts.push_back(
              {.name = name, .mount_path = settings.guest_path});
    }
  }

  const PlanRequest& request_;
  project::ValueResolver values_;
  LoadedConfig loaded_;
  DevPlan plan_;
};

}  // namespace

Result<std::shared_ptr<const DevPlan>> makePlan(const PlanRequest& request,
                                                project::ReadVariable variable,
                                                ProcessRunner& runner) {
  return Planner(request, std::move(variable), runner).run();
}

}  // namespace nimbus::dev
