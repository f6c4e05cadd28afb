#include "host/control_plane.h"

#include <vector>

#include "base/sync.h"
#include "host/admin/admin_api.h"
#include "host/admin/token_file.h"
#include "host/control/events.h"
#include "host/control/folder_source.h"
#include "host/control/readiness.h"
#include "host/control/workload_manager.h"
#include "host/store/workload_store.h"
#include "http/server.h"
#include "net/socket.h"

namespace nimbus::host {
namespace {

constexpr Duration kLastAnswers = std::chrono::seconds(1);
constexpr Duration kGaugeRefresh = std::chrono::seconds(1);

// What does not change while the host runs.
void publishLimits(MetricRegistry& metrics, const engine::EngineOptions& engine) {
  metrics.gauge("nimbus_instances_limit", "Instances that all workloads may have at once.")
      ->set(engine.max_instances);
  metrics
      .gauge("nimbus_guest_memory_limit_bytes",
             "Linear memory that all instances may have at once.")
      ->set(static_cast<std::int64_t>(engine.max_total_memory_bytes));
  metrics
      .gauge("nimbus_build_info", "1, for what the labels say.",
             {{"version", NIMBUS_VERSION}, {"engine", std::string(engine::engineVersion())}})
      ->set(1);
}

}  // namespace

struct ControlPlane::OnShard {
  OnShard(net::Shard& control_shard, const Environment& environment,
          std::unique_ptr<WorkloadStore> opened, const ManagerOptions& options, std::string epoch,
          MetricDetail detail)
      : shard(control_shard),
        store(std::move(opened)),
        events(shard, environment.clock, std::move(epoch)),
        manager({.shard = shard,
                 .runtime = environment.runtime,
                 .store = *store,
                 .events = events,
                 .readiness = readiness,
                 .log = environment.log,
                 .metrics = environment.metrics,
                 .clock = environment.clock},
                options),
        workload_metrics([this, detail](http::ResponseWriter& response) {
          return writeWorkloadMetrics(shard, manager, detail, response);
        }),
        probe(readiness, environment.metrics, workload_metrics) {}

  net::Shard& shard;
  Readiness readiness;
  std::unique_ptr<WorkloadStore> store;
  EventLog events;
  WorkloadManager manager;
  std::unique_ptr<FolderSource> folder;
  const MetricWriter workload_metrics;
  ProbeHandler probe;
  std::vector<std::unique_ptr<AdminApi>> apis;
  std::vector<std::unique_ptr<http::Server>> servers;
  std::vector<std::string> admin_addresses;
  std::optional<net::Endpoint> probe_address;
  std::vector<net::Endpoint> endpoints;
  Event restore_over;
  ControlPlane::Restored restored = ControlPlane::Restored::kEndedEarly;
  TaskSet restoring;
  TaskSet tasks;

  Task<void> restore(Result<void>* outcome);
  Task<void> stop(Duration bound);
  Result<net::Endpoint> serve(const net::Endpoint& where, http::Handler& handler,
                              const Environment& environment);
  Result<void> serveAdmin(const HostConfig& config, const Environment& environment);
  AdminApi& addApi(const Environment& environment, AdminOptions::CurrentToken token);
  Task<void> refreshGauges(const Environment& environment);
};

Result<net::Endpoint> ControlPlane::OnShard::serve(const net::Endpoint& where,
                                                   http::Handler& handler,
                                                   const Environment& environment) {
  TRY(auto sockets, net::listenOn(where, 1));
  const net::Endpoint bound = sockets.front()->boundTo();
  endpoints.push_back(bound);
  http::ServerOptions options;
  options.limits.max_connections = 1024;
  options.when_full = http::WhenFull::kEndLongestIdle;  // whoever comes is answered at once
  servers.push_back(http::makeServer(shard, std::move(sockets.front()), handler, options,
                                     environment.log, environment.metrics));
  return bound;
}

AdminApi& ControlPlane::OnShard::addApi(const Environment& environment,
                                        AdminOptions::CurrentToken token) {
  AdminOptions options;
  options.token = std::move(token);
  apis.push_back(std::make_unique<AdminApi>(AdminEnvironment{.shard = shard,
                                                             .manager = manager,
                                                             .events = events,
                                                             .readiness = readiness,
                                                             .metrics = environment.metrics,
                                                             .clock = environment.clock,
                                                             .durable = store->durable(),
                                                             .folder = folder.get(),
                                                             .more_metrics = workload_metrics,
                                                             .drain = environment.request_end},
                                            std::move(options)));
  return *apis.back();
}

Result<void> ControlPlane::OnShard::serveAdmin(const HostConfig& config,
                                               const Environment& environment) {
  if (!config.admin.socket.empty()) {
    TRY(const net::Endpoint where, net::Endpoint::parse("unix:" + config.admin.socket));
    TRY(const net::Endpoint bound, serve(where, addApi(environment, {}), environment));
    admin_addresses.push_back(bound.toString());
  }
  if (config.admin.address) {
    TRY(auto token, TokenFile::open(config.admin.token_file, environment.log));
    const auto current = [file = std::shared_ptr<TokenFile>(std::move(token))] {
      return file->current();
    };
    TRY(const net::Endpoint bound,
        serve(*config.admin.address, addApi(environment, current), environment));
    admin_addresses.push_back(bound.toString());
  }
  return {};
}

Task<void> ControlPlane::OnShard::refreshGauges(const Environment& environment) {
  const auto memory =
      environment.metrics.gauge("nimbus_guest_memory_bytes", "Memory of all guests");
  const auto components = environment.metrics.gauge("nimbus_components_loaded",
                                                    "Distinct components with native code loaded");
  while (true) {
    memory->set(static_cast<std::int64_t>(environment.engine.guestMemoryBytes()));
    components->set(static_cast<std::int64_t>(environment.engine.loadedComponents()));
    co_await shard.sleepFor(kGaugeRefresh);
  }
}

Result<void> ControlPlane::makeOn(net::Shard& shard, const HostConfig& config) {
  std::unique_ptr<WorkloadStore> store = makeMemoryWorkloadStore();
  if (!config.state_folder.empty()) {
    TRY(store, openWorkloadStore(shard, config.state_folder, environment_.log));
  }
  const auto started = environment_.clock.wallNow().time_since_epoch();
  part_ = std::make_unique<OnShard>(shard, environment_, std::move(store), config.manager,
                                    std::to_string(started.count()), config.metric_detail);
  if (!config.workloads_folder.empty()) {
    part_->folder =
        std::make_unique<FolderSource>(FolderSource::Environment{.shard = shard,
                                                                 .manager = part_->manager,
                                                                 .events = part_->events,
                                                                 .log = environment_.log},
                                       config.workloads_folder);
  }
  TRY_VOID(part_->serveAdmin(config, environment_));
  if (config.probe) {
    TRY(part_->probe_address, part_->serve(*config.probe, part_->probe, environment_));
  }
  publishLimits(environment_.metrics, config.engine);
  part_->tasks.spawn(part_->refreshGauges(environment_));
  return {};
}

ControlPlane::ControlPlane(Environment environment) : environment_(std::move(environment)) {}

Result<std::unique_ptr<ControlPlane>> ControlPlane::create(Environment environment,
                                                           const HostConfig& config) {
  std::unique_ptr<ControlPlane> plane(new ControlPlane(std::move(environment)));
  Result<void> made;
  plane->environment_.control.runOn(
      0, [&](net::Shard& shard) { made = plane->makeOn(shard, config); });
  TRY_VOID(made);
  return plane;
}

ControlPlane::~ControlPlane() {
  environment_.control.runOn(0, [this](net::Shard&) {
    if (!part_) return;
    part_->events.close();
    part_->restoring.cancelAll();
    part_->tasks.cancelAll();
    part_->servers.clear();
    part_.reset();
  });
}

Task<void> ControlPlane::OnShard::restore(Result<void>* outcome) {
  co_await manager.restoreAll();
  if (folder != nullptr) *outcome = co_await folder->start();
  restored = Restored::kAll;
  restore_over.set();
}

namespace {

Task<void> waitFor(Event* event) { co_await event->wait(); }

}  // namespace

Result<ControlPlane::Restored> ControlPlane::restore() {
  Result<void> outcome;
  environment_.control.runTask(0, [&](net::Shard&) {
    if (!part_->restore_over.isSet()) part_->restoring.spawn(part_->restore(&outcome));
    return waitFor(&part_->restore_over);
  });
  TRY_VOID(outcome);
  return part_->restored;
}

void ControlPlane::endRestore() {
  environment_.control[0].post([part = part_.get()] {
    part->restoring.cancelAll();
    part->restore_over.set();
  });
}

void ControlPlane::markReady() {
  environment_.control.runOn(0, [this](net::Shard&) { part_->manager.markReady(); });
}

void ControlPlane::startDrain() {
  environment_.control.runOn(0, [this](net::Shard&) { part_->manager.startDrain(); });
}

// Last of all, whoever reads events or waits for an answer gets the end of it.
Task<void> ControlPlane::OnShard::stop(Duration bound) {
  co_await manager.stopAll(bound);
  events.close();
  TaskSet drains;
  for (const auto& server : servers) drains.spawn(server->drain(kLastAnswers));
  co_await drains.empty();
}

void ControlPlane::stop(Duration bound) {
  environment_.control.runTask(0, [&](net::Shard&) { return part_->stop(bound); });
}

const std::vector<std::string>& ControlPlane::adminAddresses() const {
  return part_->admin_addresses;
}
std::optional<net::Endpoint> ControlPlane::probeAddress() const { return part_->probe_address; }
const std::vector<net::Endpoint>& ControlPlane::endpoints() const { return part_->endpoints; }

}  // namespace nimbus::host
