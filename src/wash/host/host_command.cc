// `wash host`: serves the workloads of a folder and of the administration API.

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <future>
#include <system_error>
#include <thread>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/files.h"
#include "base/output_queue.h"
#include "host/control_plane.h"
#include "host/data_plane.h"
#include "host/deploy/certificate_keeper.h"
#include "net/descriptors.h"
#include "project/settings.h"
#include "wash/command.h"
#include "wash/flags/engine_flags.h"
#include "wash/flags/flag_check.h"
#include "wash/flags/host_registry_flags.h"
#include "wash/flags/nats_flags.h"
#include "wash/host/admin_socket.h"
#include "wash/output/access_log_rotation.h"
#include "wash/output/served_url.h"
#include "wash/setup/config_file.h"
#include "wash/terminal/termination.h"

namespace nimbus::wash {
namespace {

namespace fs = std::filesystem;

constexpr Duration kCompilerPatience = std::chrono::milliseconds(500);

struct HostFlags {
  std::string config;
  std::string workloads;
  std::string state;
  std::string http_address;
  std::string admin_socket;
  std::string probe_address;
  std::size_t shards = 0;
  EngineFlags engine;
  NatsFlags nats;
  HostRegistryFlags registries;
};

// The store takes files in its folder that are none of it for damaged ones.
Result<void> checkFolders(const host::HostConfig& config) {
  std::error_code ignored;
  const fs::path workloads = fs::weakly_canonical(config.workloads_folder, ignored);
  if (workloads.empty() || workloads != fs::weakly_canonical(config.state_folder, ignored))
    return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{} cannot be both the folder of manifests and the state folder",
                          config.workloads_folder));
}

Result<host::HostConfig> readConfig(const HostFlags& flags, const GlobalOptions& global) {
  host::HostConfig defaults;
  defaults.engine.max_total_memory_bytes = defaultGuestMemoryBytes();
  defaults.log_level = global.log_level;
  defaults.log_format = global.log_format;
  if (!flags.config.empty()) return host::loadHostConfig(flags.config, std::move(defaults));
  return defaults;
}

// The address of a flag serves without TLS.
Result<void> checkListeners(const HostFlags& flags, const host::HostConfig& config) {
  const auto has_tls = [](const host::ListenerConfig& each) { return each.tls.has_value(); };
  if (flags.http_address.empty() || std::ranges::none_of(config.listeners, has_tls)) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("--http-addr: listeners of {} have TLS, which the flag would drop; "
                          "change http.listeners there instead",
                          flags.config));
}

// The file's settings with the flags on top.
Result<host::HostConfig> configOf(const HostFlags& flags, host::HostConfig config) {
  if (!flags.workloads.empty()) {
    TRY(config.workloads_folder, absolutePath(flags.workloads));
  }
  if (!flags.state.empty()) {
    TRY(config.state_folder, absolutePath(flags.state));
  }
  if (flags.shards != 0) config.shards = flags.shards;
  if (!flags.http_address.empty() || config.listeners.empty()) {
    const std::string_view address =
        flags.http_address.empty() ? project::kDefaultHttpAddress : flags.http_address;
    TRY(const net::Endpoint endpoint, net::Endpoint::parse(address));
    config.listeners = {{.address = endpoint, .mode = {}, .tls = {}}};
  }
  if (!flags.probe_address.empty()) {
    TRY(config.probe, net::Endpoint::parse(flags.probe_address));
  }
  if (!flags.admin_socket.empty()) {
    TRY(config.admin.socket, absolutePath(flags.admin_socket));
  }
  if (config.admin.socket.empty() && !config.admin.address) {
    config.admin.socket = defaultAdminSocket();
  }
  TRY_VOID(checkFolders(config));
  TRY(config.nats, natsOptionsOf(flags.nats, std::move(config.nats)));
  TRY(config.images, imageOptionsOf(flags.registries, std::move(config.images)));
  const engine::EngineOptions engine = engineOptionsOf(flags.engine);
  if (config.engine.cache_folder.empty() && !flags.engine.no_cache) {
    config.engine.cache_folder = engine.cache_folder;
    config.engine.cache_is_default = engine.cache_is_default;
  }
  if (flags.engine.engine == "full") config.engine.selection = engine.selection;
  config.engine.proposals = config.engine.proposals | engine.proposals;
  return config;
}

host::DataPlaneOptions planeOptions(const host::HostConfig& config,
                                    std::shared_ptr<const host::OwnedPorts> owned_ports,
                                    std::shared_ptr<const host::OwnedPorts> control_ports) {
  host::DataPlaneOptions options;
  options.shards = config.shards;
  options.max_instances = config.engine.max_instances;
  options.max_sockets = config.max_sockets;
  options.max_files = config.max_files;
  options.runtime.max_outgoing_sockets = config.max_outgoing_sockets;
  options.runtime.defaults = config.defaults;
  options.runtime.egress = config.egress;
  options.runtime.egress.host_owned_ports = std::move(owned_ports);
  options.runtime.egress.control_ports = std::move(control_ports);
  if (!config.state_folder.empty())
    options.runtime.providers.keyvalue.database = config.state_folder + "/keyvalue.sqlite";
  options.runtime.providers.nats = config.nats;
  options.runtime.providers.keyvalue.quota = config.keyvalue_quota;
  options.runtime.providers.keyvalue.memory_quota = config.keyvalue_quota;
  options.runtime.providers.keyvalue.memory_quota.max_bytes = config.keyvalue_memory_bytes;
  options.runtime.providers.keyvalue.memory = config.keyvalue_memory;
  options.runtime.providers.keyvalue.redis = config.keyvalue_redis;
  if (config.keyvalue_redis) options.runtime.providers.keyvalue.redis->tls = config.client_tls;
  options.runtime.providers.keyvalue.nats = {.server = {},
                                             .store = config.keyvalue_nats,
                                             .quota = {.max_bytes = config.keyvalue_nats_bytes,
                                                       .max_keys = config.keyvalue_quota.max_keys}};
  options.runtime.max_component_bytes = config.max_component_bytes;
  options.runtime.max_concurrent_starts = config.max_concurrent_starts;
  options.runtime.images = config.images;
  options.runtime.images.max_bytes = config.max_component_bytes;
  options.runtime.volumes_folder = config.volumes_folder;
  options.runtime.volume_bytes = config.volume_bytes;
  options.client = config.client;
  options.client_tls = config.client_tls;
  return options;
}

// Whether all connections that the settings allow could be open at once.
void warnOfFewDescriptors(const host::HostConfig& config, Logger& log) {
  constexpr std::uint64_t kReserve = 1024;  // the host's own files, administration, probes
  const std::uint64_t wanted = config.listeners.size() * config.http_limits.max_connections +
                               config.client.max_connections_per_key + config.max_sockets +
                               config.max_files + kReserve;
  const std::uint64_t limit = net::descriptorLimit();
  if (limit >= wanted) return;
  log.warn("the limit of open files (ulimit -Hn) is lower than what the settings allow to be open",
           {{"limit", std::to_string(limit)}, {"wanted", std::to_string(wanted)}});
}

// The host from its start to its end.
class HostProcess {
 public:
  HostProcess(const host::HostConfig& config, const GlobalOptions& global, Logger& log)
      : config_(config), global_(global), log_(log) {}

  Result<void> run() {
    if (!config_.admin.socket.empty()) TRY_VOID(makeAdminFolder());
    TRY(engine_, engine::Engine::create(config_.engine, log_));
    TRY(plane_, host::DataPlane::create(planeOptions(config_, owned_ports_, control_ports_),
                                        *engine_, log_, metrics_, clock_));
    termination_ = std::make_unique<Termination>();
    // What is wrong with these shall be told before anything takes long.
    TRY(const std::vector<std::string> addresses, bindListeners());
    TRY_VOID(startControl());
    TRY(const auto restored, restore());
    if (restored == host::ControlPlane::Restored::kAll) {
      TRY_VOID(plane_->serve());
      control_->markReady();
      announce(addresses);
      termination_->wait();
    }
    end(restored);
    return {};
  }

  // After run(): ends the engine, unless that takes long because it waits for its compiler, whose
  // code nobody needs any more. Whether it has ended.
  [[nodiscard]] bool endEngine() {
    std::promise<void> ended;
    const std::future<void> end = ended.get_future();
    try {
      std::thread([engine = std::move(engine_), ended = std::move(ended)]() mutable {
        engine.reset();
        ended.set_value();
      }).detach();
    } catch (const std::system_error&) {
      return true;  // the engine has gone with what the thread was to do
    }
    return end.wait_for(kCompilerPatience) == std::future_status::ready;
  }

 private:
  Result<void> makeAdminFolder() const {
    auto made = makeFolderOf(config_.admin.socket);
    if (made) return made;
    return fail(made.error().code(),
                fmt::format("no place for the socket of the administration API, {} (another one: "
                            "--admin-socket)",
                            config_.admin.socket),
                std::move(made).error());
  }

  void keepFromGuests(const net::Endpoint& endpoint) {
    if (endpoint.unix_path.empty()) owned_ports_->add(endpoint.port);
  }

  Result<void> startControl() {
    TRY(control_,
        host::ControlPlane::create({.control = plane_->control(),
                                    .runtime = plane_->runtime(),
                                    .engine = *engine_,
                                    .log = log_,
                                    .metrics = metrics_,
                                    .clock = clock_,
                                    .request_end = [raw = termination_.get()] { raw->request(); }},
                                   config_));
    for (const net::Endpoint& endpoint : control_->endpoints()) {
      keepFromGuests(endpoint);
      if (endpoint.unix_path.empty()) control_ports_->add(endpoint.port);
    }
    return {};
  }

  Result<host::ControlPlane::Restored> restore() {
    termination_->onRequest([this] { control_->endRestore(); });
    auto restored = control_->restore();
    termination_->onRequest({});
    return restored;
  }

  Result<std::vector<std::string>> bindListeners() {
    if (!config_.access_log.path.empty()) {
      TRY(access_log_, http::openAccessLog(config_.access_log.path, config_.access_log.format,
                                           accessLogProblems(log_)));
      TRY(rotation_, AccessLogRotation::watch(plane_->control(), *access_log_, log_));
    }
    std::vector<std::string> addresses;
    for (const host::ListenerConfig& listener : config_.listeners) {
      http::ServerOptions options;
      options.limits = config_.http_limits;
      options.access_log = access_log_.get();
      if (listener.tls) {
        TRY(options.tls, net::makeTlsServerContext(*listener.tls));
        certificates_.push_back(
            std::make_unique<host::CertificateKeeper>(plane_->control(), options.tls, log_));
      }
      TRY(const net::Endpoint bound, plane_->bind(listener.address, options));
      // Nobody can connect before serve().
      if (listener.mode && ::chmod(bound.unix_path.c_str(), *listener.mode) != 0)
        return failErrno("cannot set the mode of " + bound.unix_path, errno);
      keepFromGuests(bound);
      addresses.push_back(
          servedPlace(bound, listener.tls ? http::Scheme::kHttps : http::Scheme::kHttp));
    }
    return addresses;
  }

  void announce(const std::vector<std::string>& addresses) const {
    std::string text;
    for (const std::string& address : addresses) text += " " + address;
    text += ", administration at";
    for (const std::string& address : control_->adminAddresses()) text += " " + address;
    const auto probe = control_->probeAddress();
    printResult(global_.format, "Serving at" + text,
                {{"addresses", jsonList(addresses)},
                 {"admin", jsonList(control_->adminAddresses())},
                 {"probe", probe ? jsonText(probe->toString()) : "null"}});
  }

  // Leaves the engine alone, which may have to wait for its compiler.
  void end(host::ControlPlane::Restored restored) {
    log_.info("draining");
    control_->startDrain();
    // The delay is for those who send requests here.
    const bool served = restored == host::ControlPlane::Restored::kAll;
    if (served && config_.drain_delay > Duration::zero())
      std::this_thread::sleep_for(config_.drain_delay);
    const TimePoint bound = clock_.now() + config_.drain_timeout;
    plane_->drain(config_.drain_timeout);
    control_->stop(std::max(bound - clock_.now(), Duration::zero()));
    rotation_.reset();
    certificates_.clear();
    control_.reset();
    termination_.reset();
    plane_.reset();
    access_log_.reset();
    log_.info("ended");
  }

  const host::HostConfig& config_;
  const GlobalOptions& global_;
  Logger& log_;
  const SystemClock clock_{};
  MetricRegistry metrics_;
  const std::shared_ptr<host::OwnedPorts> owned_ports_ = std::make_shared<host::OwnedPorts>();
  // Of the former, those of administration and probes.
  const std::shared_ptr<host::OwnedPorts> control_ports_ = std::make_shared<host::OwnedPorts>();
  std::unique_ptr<http::AccessLog> access_log_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<host::DataPlane> plane_;
  std::unique_ptr<Termination> termination_;
  std::unique_ptr<host::ControlPlane> control_;
  std::vector<std::unique_ptr<host::CertificateKeeper>> certificates_;
  std::unique_ptr<AccessLogRotation> rotation_;
};

// What the configuration of wash asks of a host, and this one cannot do. What else is wrong with
// that configuration does not matter here.
Result<void> checkConfiguration(const GlobalOptions& global) {
  const auto loaded = project::loadProjectConfig(currentProject(), {}, global.user_config);
  if (!loaded || loaded->config.host.host_plugins.empty()) return {};
  return fail(
      ErrorCode::kUnsupported,
      fmt::format("{}: host.hostPlugins is not supported: give the component as a workload, "
                  "and to others as its provider (workload:…)",
                  loaded->originOf("host.hostPlugins").describe()));
}

int runHost(const HostFlags& flags, const GlobalOptions& global) {
  Termination::prepare();
  AccessLogRotation::prepare();
  net::raiseDescriptorLimit();
  if (const auto good = checkConfiguration(global); !good)
    return reportFailure(global.format, good.error());
  auto read = readConfig(flags, global);
  if (!read) return reportFailure(global.format, read.error());
  if (const auto good = checkListeners(flags, *read); !good) {
    static_cast<void>(reportFailure(global.format, good.error()));
    return kExitUsage;
  }
  const auto config = configOf(flags, *std::move(read));
  if (!config) return reportFailure(global.format, config.error());
  const std::unique_ptr<Logger> log = makeStderrLogger(config->log_level, config->log_format);
  warnOfFewDescriptors(*config, *log);
  HostProcess process(*config, global, *log);
  const auto ended = process.run();
  const int status = ended ? kExitOk : reportFailure(global.format, ended.error());
  // Nothing durable depends on it: a file of the code cache gets its name when it is whole.
  if (ended && !process.endEngine()) {
    OutputQueue::flushAll();
    ::_exit(finishOutput(status));
  }
  return status;
}

}  // namespace

void addHostCommand(CLI::App& app, const GlobalOptions& global, Action& action) {
  CLI::App* command = app.add_subcommand("host", "Serve many workloads");
  auto flags = std::make_shared<HostFlags>();
  command->add_option("--config", flags->config, "Settings (docs/host-config.md)")
      ->envname("WASH_HOST_CONFIG")
      ->option_text("FILE");
  command->add_option("--workloads", flags->workloads, "Folder of manifests to follow")
      ->option_text("FOLDER");
  command
      ->add_option("--state", flags->state, "Where workloads applied over the API are remembered")
      ->option_text("FOLDER");
  command
      ->add_option("--http-addr", flags->http_address,
                   fmt::format("Where to serve HTTP (default {})", project::kDefaultHttpAddress))
      ->check(acceptedBy(net::Endpoint::parse))
      ->option_text("ADDRESS:PORT");
  command
      ->add_option("--admin-socket", flags->admin_socket, "Unix socket of the administration API")
      ->envname("WASH_ADMIN_SOCKET")
      ->option_text("PATH");
  command->add_option("--probe-addr", flags->probe_address, "Where /livez, /readyz, /metrics are")
      ->check(acceptedBy(net::Endpoint::parse))
      ->envname("WASH_PROBE_ADDR")
      ->option_text("ADDRESS:PORT");
  command->add_option("--shards", flags->shards, "Threads that serve; 0: one per core")
      ->check(numberFrom(0, host::kMaxShards));
  addEngineFlags(*command, flags->engine);
  addNatsFlags(*command, flags->nats);
  addHostRegistryFlags(*command, flags->registries);
  command->callback([flags, &global, &action] {
    action.set("host", [flags, &global] { return runHost(*flags, global); });
  });
}

}  // namespace nimbus::wash
