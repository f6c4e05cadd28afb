// `wash host`: serves the workloads of a folder and of the administration API.

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include <CLI/CLI.hpp>

#include "host/certificate_keeper.h"
#include "host/control_plane.h"
#include "host/data_plane.h"
#include "wash/access_log_rotation.h"
#include "wash/admin_socket.h"
#include "wash/command.h"
#include "wash/engine_flags.h"
#include "wash/flag_check.h"
#include "wash/host_registry_flags.h"
#include "wash/nats_flags.h"
#include "wash/termination.h"

namespace nimbus::wash {
namespace {

namespace fs = std::filesystem;

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

// The file's settings with the flags on top.
Result<host::HostConfig> configOf(const HostFlags& flags, const GlobalOptions& global) {
  host::HostConfig defaults;
  defaults.engine.max_total_memory_bytes = defaultGuestMemoryBytes();
  host::HostConfig config = defaults;
  config.log_level = global.log_level;
  config.log_format = global.log_format;
  if (!flags.config.empty()) {
    TRY(config, host::loadHostConfig(flags.config, std::move(defaults)));
  }
  if (!flags.workloads.empty()) config.workloads_folder = fs::absolute(flags.workloads);
  if (!flags.state.empty()) config.state_folder = fs::absolute(flags.state);
  if (flags.shards != 0) config.shards = flags.shards;
  if (!flags.http_address.empty() || config.listeners.empty()) {
    const std::string address = flags.http_address.empty() ? "127.0.0.1:8000" : flags.http_address;
    TRY(const net::Endpoint endpoint, net::Endpoint::parse(address));
    config.listeners = {{.address = endpoint, .tls = {}}};
  }
  if (!flags.probe_address.empty()) {
    TRY(config.probe, net::Endpoint::parse(flags.probe_address));
  }
  if (!flags.admin_socket.empty()) config.admin.socket = fs::absolute(flags.admin_socket);
  if (config.admin.socket.empty() && !config.admin.address) {
    config.admin.socket = defaultAdminSocket();
  }
  TRY(config.nats, natsOptionsOf(flags.nats, std::move(config.nats)));
  TRY(config.images, imageOptionsOf(flags.registries, std::move(config.images)));
  const engine::EngineOptions engine = engineOptionsOf(flags.engine);
  if (config.engine.cache_folder.empty() && !flags.engine.no_cache) {
    config.engine.cache_folder = engine.cache_folder;
  }
  if (flags.engine.engine == "full") config.engine.selection = engine.selection;
  return config;
}

Result<void> makeSocketFolder(const std::string& socket) {
  if (socket.empty()) return {};
  const fs::path folder = fs::path(socket).parent_path();
  std::error_code error;
  if (folder.empty() || fs::exists(folder, error)) return {};
  fs::create_directories(folder, error);
  if (error) return failErrno("cannot make " + folder.string(), error.value());
  ::chmod(folder.c_str(), 0700);
  return {};
}

host::DataPlaneOptions planeOptions(const host::HostConfig& config,
                                    std::shared_ptr<const host::OwnedPorts> owned_ports) {
  host::DataPlaneOptions options;
  options.shards = config.shards;
  options.max_instances = config.engine.max_instances;
  options.max_sockets = config.max_sockets;
  options.runtime.defaults = config.defaults;
  options.runtime.egress = config.egress;
  options.runtime.egress.host_owned_ports = std::move(owned_ports);
  if (!config.state_folder.empty())
    options.runtime.providers.keyvalue_database = config.state_folder + "/keyvalue.sqlite";
  options.runtime.providers.nats = config.nats;
  options.runtime.providers.keyvalue_quota = config.keyvalue_quota;
  options.runtime.max_component_bytes = config.max_component_bytes;
  options.runtime.images = config.images;
  options.runtime.images.max_bytes = config.max_component_bytes;
  options.runtime.volumes_folder =
      config.volumes_folder.empty()
          ? (fs::temp_directory_path() / ("nimbus-volumes-" + std::to_string(::getpid()))).string()
          : config.volumes_folder;
  options.client = config.client;
  options.client_tls = config.client_tls;
  options.resolve_timeout = config.resolve_timeout;
  return options;
}

// The host from its start to its end.
class HostProcess {
 public:
  HostProcess(const host::HostConfig& config, const GlobalOptions& global, Logger& log)
      : config_(config), global_(global), log_(log) {}

  Result<void> run() {
    TRY_VOID(makeSocketFolder(config_.admin.socket));
    TRY(engine_, engine::Engine::create(config_.engine, log_));
    TRY(plane_, host::DataPlane::create(planeOptions(config_, owned_ports_), *engine_, log_,
                                        metrics_, clock_));
    TRY(const auto termination, Termination::watch(plane_->control()));
    TRY(control_,
        host::ControlPlane::create({.control = plane_->control(),
                                    .runtime = plane_->runtime(),
                                    .engine = *engine_,
                                    .log = log_,
                                    .metrics = metrics_,
                                    .clock = clock_,
                                    .request_end = [raw = termination.get()] { raw->request(); }},
                                   config_));
    for (const net::Endpoint& endpoint : control_->endpoints()) keepFromGuests(endpoint);
    TRY_VOID(control_->restore());
    TRY(const std::vector<std::string> addresses, listen());
    control_->markReady();
    announce(addresses);
    termination->wait();
    end();
    return {};
  }

 private:
  void keepFromGuests(const net::Endpoint& endpoint) {
    if (endpoint.unix_path.empty()) owned_ports_->add(endpoint.port);
  }

  Result<std::vector<std::string>> listen() {
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
      TRY(const net::Endpoint bound, plane_->listen(listener.address, options));
      keepFromGuests(bound);
      addresses.push_back((listener.tls ? "https://" : "http://") + bound.toString());
    }
    return addresses;
  }

  void announce(const std::vector<std::string>& addresses) const {
    std::string list;
    std::string text;
    for (const std::string& address : addresses) {
      list += (list.empty() ? "" : ",") + jsonText(address);
      text += " " + address;
    }
    const auto probe = control_->probeAddress();
    printResult(global_.format,
                "Serving at" + text + ", administration at " + control_->adminAddress(),
                {{"addresses", "[" + list + "]"},
                 {"admin", jsonText(control_->adminAddress())},
                 {"probe", probe ? jsonText(probe->toString()) : "null"}});
  }

  void end() {
    log_.info("draining");
    control_->startDrain();
    if (config_.drain_delay > Duration::zero()) std::this_thread::sleep_for(config_.drain_delay);
    plane_->drain(config_.drain_timeout);
    control_->stop(config_.drain_timeout);
    log_.info("ended");
  }

  const host::HostConfig& config_;
  const GlobalOptions& global_;
  Logger& log_;
  const SystemClock clock_{};
  MetricRegistry metrics_;
  const std::shared_ptr<host::OwnedPorts> owned_ports_ = std::make_shared<host::OwnedPorts>();
  std::unique_ptr<http::AccessLog> access_log_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<host::DataPlane> plane_;
  std::unique_ptr<host::ControlPlane> control_;
  std::vector<std::unique_ptr<host::CertificateKeeper>> certificates_;
  std::unique_ptr<AccessLogRotation> rotation_;
};

int runHost(const HostFlags& flags, const GlobalOptions& global) {
  Termination::prepare();
  AccessLogRotation::prepare();
  const auto config = configOf(flags, global);
  if (!config) return reportFailure(global.format, config.error());
  const std::unique_ptr<Logger> log = makeStderrLogger(config->log_level, config->log_format);
  const auto ended = HostProcess(*config, global, *log).run();
  return ended ? kExitOk : reportFailure(global.format, ended.error());
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
                   "Where to serve HTTP (default 127.0.0.1:8000)")
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
  command->add_option("--shards", flags->shards, "Threads that serve; 0: one per core");
  addEngineFlags(*command, flags->engine);
  addNatsFlags(*command, flags->nats);
  addHostRegistryFlags(*command, flags->registries);
  command->callback([flags, &global, &action] {
    action.set("host", [flags, &global] { return runHost(*flags, global); });
  });
}

}  // namespace nimbus::wash
