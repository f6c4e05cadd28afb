#include "wash/dev/dev_server.h"

#include <unistd.h>

#include "base/free_memory.h"
#include "base/text.h"
#include "dev/plan_watcher.h"
#include "dev/runtime_deployer.h"
#include "dev/service_report.h"
#include "dev/session.h"
#include "engine/web_roots.h"
#include "host/data_plane.h"
#include "host/deploy/certificate_keeper.h"
#include "plugin/served_plugins.h"
#include "wash/dev/dev_output.h"
#include "wash/dev/dev_plugin_list.h"
#include "wash/output/served_url.h"
#include "wash/run/run_http.h"
#include "wash/terminal/termination.h"
#include "wash/terminal/transfer_line.h"

namespace nimbus::wash {
namespace {

constexpr Duration kDrainBound = std::chrono::seconds(5);

// Of a list with commas.
std::vector<std::string> serversIn(std::string_view urls) {
  std::vector<std::string> servers;
  for (const std::string_view url : split(urls, ',')) servers.emplace_back(trim(url));
  return servers;
}

host::DataPlaneOptions planeOptions(const dev::ServerSettings& server) {
  host::DataPlaneOptions plane;
  plane.shards = 1;  // builds want the other cores, and what plugins remember is for all requests
  plane.client_tls.system_roots = server.system_roots;
  if (server.web_roots) plane.client_tls.der_roots = engine::webRoots();
  plane.client_tls.extra_ca_paths = server.client_ca_paths;
  if (server.connection_wait_ms)
    plane.client.permit_wait = std::chrono::milliseconds(*server.connection_wait_ms);
  if (server.max_outgoing_connections)
    plane.client.max_connections_per_key = *server.max_outgoing_connections;
  plane.runtime.max_outgoing_sockets = server.max_outgoing_sockets;
  plane.runtime.providers.keyvalue.database = server.keyvalue_path;
  host::ProvidersOptions& providers = plane.runtime.providers;
  if (!server.keyvalue_redis_url.empty())
    providers.keyvalue.redis =
        keyvalue::RedisOptions{.url = server.keyvalue_redis_url, .tls = plane.client_tls};
  if (!server.nats_url.empty()) providers.nats.servers = serversIn(server.nats_url);
  if (!server.keyvalue_nats_url.empty())
    providers.keyvalue.nats.server.emplace().servers = serversIn(server.keyvalue_nats_url);
  plane.runtime.egress.allow_host_loopback = true;
  if (server.plain_registries) plane.runtime.images.insecure_registries = {"*"};
  return plane;
}

Result<http::ServerOptions> listenerOptions(const dev::ServerSettings& server,
                                            http::AccessLog* access_log) {
  http::ServerOptions options;
  options.access_log = access_log;
  if (server.max_connections) options.limits.max_connections = *server.max_connections;
  if (server.tls_certificate.empty()) return options;
  TRY(options.tls,
      net::makeTlsServerContext({.certificates = {{server.tls_certificate, server.tls_key}},
                                 .client_ca_path = server.tls_client_ca,
                                 .alpn = {"h2", "http/1.1", "http/1.0"}}));
  return options;
}

// What lives on the control shard while it serves.
class Development {
 public:
  Development(host::DataPlane& plane, dev::Workbench& workbench, const DevServerOptions& options,
              dev::DevReporter& reporter, Termination& termination, Logger& log, const Clock& clock)
      : plane_(plane),
        workbench_(workbench),
        options_(options),
        reporter_(reporter),
        termination_(termination),
        log_(log),
        clock_(clock) {}
  Development(const Development&) = delete;
  Development& operator=(const Development&) = delete;

  Result<void> start() {
    Result<void> opened;
    plane_.control().runTask(0, [&](net::Shard& shard) -> Task<void> {
      make(shard);
      opened = co_await session_->open();
      if (opened) tasks_.spawn(run());
    });
    return opened;
  }

  // Why it ended by itself, if it did.
  [[nodiscard]] const std::optional<Error>& problem() const { return problem_; }

  // Nothing is built or deployed any more.
  void stopBuilding() {
    plane_.control().runOn(0, [&](net::Shard&) {
      tasks_.cancelAll();
      watcher_.reset();
      session_.reset();
    });
  }

  // Comes after the last request.
  ~Development() {
    stopBuilding();
    if (!deployer_) return;
    plane_.control().runOn(0, [this](net::Shard&) { plane_.runtime().onServiceNews({}); });
    plane_.control().runTask(0, [this](net::Shard&) { return deployer_->close(); });
    plane_.control().runOn(0, [this](net::Shard&) { deployer_.reset(); });
  }

 private:
  Task<void> run() {
    problem_ = co_await session_->run();
    termination_.request();
  }

  void make(net::Shard& shard) {
    deployer_ = std::make_unique<dev::RuntimeDeployer>(plane_.runtime(), clock_);
    plane_.runtime().onServiceNews(
        [this](const host::ServiceNews& news) { reporter_.report(dev::eventOf(news)); });
    watcher_ = std::make_unique<dev::PlanWatcher>(
        shard, options_.settle,
        dev::PlanWatcher::Told{
            .changed = [this](std::vector<std::string> paths,
                              TimePoint first) { session_->notice(std::move(paths), first); },
            .problem = [this](const Error& error) { log_.warn(error.describe()); }});
    session_ = std::make_unique<dev::Session>(
        dev::Session::Environment{shard, workbench_, *deployer_, *watcher_, reporter_, clock_});
  }

  host::DataPlane& plane_;
  dev::Workbench& workbench_;
  const DevServerOptions& options_;
  dev::DevReporter& reporter_;
  Termination& termination_;
  Logger& log_;
  const Clock& clock_;
  std::unique_ptr<dev::RuntimeDeployer> deployer_;
  std::unique_ptr<dev::PlanWatcher> watcher_;
  std::unique_ptr<dev::Session> session_;
  std::optional<Error> problem_;
  TaskSet tasks_;
};

Result<void> serve(host::DataPlane& plane, dev::Workbench& workbench,
                   const DevServerOptions& options, dev::DevReporter& events,
                   Termination& termination, Logger& log, const Clock& clock) {
  Development development(plane, workbench, options, events, termination, log, clock);
  TRY_VOID(development.start());
  termination.wait();
  options.ending();
  development.stopBuilding();
  plane.drain(kDrainBound);
  if (development.problem()) return std::unexpected(*development.problem());
  return {};
}

// The plugins that are called, on the data plane's shard.
class CalledPlugins {
 public:
  CalledPlugins(const DevParts& parts, Logger& log)
      : parts_(parts), log_(log), list_(parts.store, parts.plugins, log, parts.problems) {}
  CalledPlugins(const CalledPlugins&) = delete;
  CalledPlugins& operator=(const CalledPlugins&) = delete;

  [[nodiscard]] std::vector<dev::DevPlugin> list() { return list_.list(*served_); }
  [[nodiscard]] Result<void> prepare(const dev::DevPlugin& plugin) {
    return list_.prepare(plugin, *served_);
  }
  [[nodiscard]] Result<host::Given> find(const std::string& name) { return served_->find(name); }

  void start(host::DataPlane& plane, engine::Engine& engine) {
    plane.runTask(0, [&](host::ShardRuntime& shard) {
      served_.emplace(
          plugin::ServedPlugins::Parts{parts_.plugins, engine, shard, parts_.context, log_});
      return nothing();
    });
  }
  void end(host::DataPlane& plane) {
    plane.runTask(0, [&](host::ShardRuntime& /*shard*/) {
      served_->end();
      return nothing();
    });
    list_.end();
  }

 private:
  static Task<void> nothing() { co_return; }

  const DevParts& parts_;
  Logger& log_;
  DevPluginList list_;
  std::optional<plugin::ServedPlugins> served_;
};

dev::ProjectWorkbench::Functions workbenchFunctions(const DevParts& parts, LinePrinter& lines,
                                                    StatusLine& status, CalledPlugins& plugins) {
  DevParts::Functions own = parts.functions(lines, status);
  return {.plan = std::move(own.plan),
          .build = std::move(own.build),
          .plugins = [&plugins, configure = std::move(own.configure)](
                         const dev::DevPlan& plan) -> Result<std::vector<dev::DevPlugin>> {
            TRY_VOID(configure(plan.plugins));
            return plugins.list();
          },
          .prepare = [&plugins](const dev::DevPlugin& plugin) { return plugins.prepare(plugin); }};
}

std::unique_ptr<Logger> logTo(LinePrinter& lines, const GlobalOptions& global, const Clock& clock) {
  const auto write = [&lines](std::string_view line) {
    lines.write(LinePrinter::To::kError, line);
  };
  return makeLogger(write, global.log_level, global.log_format, clock);
}

}  // namespace

Result<void> serveDevelopment(const DevServerOptions& options, const DevParts& parts) {
  const GlobalOptions& global = parts.global;
  const SystemClock clock;
  MetricRegistry metrics;
  LinePrinter lines;
  StatusLine status(lines.bottom());
  TransferLine downloads(status);
  const auto rest = logTo(lines, global, clock);
  const RedirectedLog::Redirection of_plugins(parts.plugin_log, *rest);
  DevLogger log(lines, global.format, *rest);
  DevEventPrinter events(lines, status, global.format);
  DevRequestPrinter requests(lines, global.format);
  CalledPlugins plugins(parts, log);
  keepLargeBlocks();  // each edit copies its components
  const auto read = std::make_shared<host::ReadComponents>();
  dev::ProjectWorkbench workbench(workbenchFunctions(parts, lines, status, plugins), clock, read);

  TRY(const auto plan, workbench.plan());
  TRY(const net::Endpoint where, net::Endpoint::parse(plan->server.address));
  TRY(const http::ServerOptions listener,
      listenerOptions(plan->server, options.log_requests ? &requests : nullptr));
  engine::EngineOptions engine_options = options.engine;
  engine_options.proposals = engine_options.proposals | plan->server.proposals;
  TRY(const auto engine, engine::Engine::create(std::move(engine_options), log));
  read->onInspected([&engine = *engine](const std::string& path, auto& component) {
    engine.expect(path, component);
  });
  host::DataPlaneOptions plane_options = planeOptions(plan->server);
  plane_options.runtime.read_components = read;
  plane_options.runtime.images.service.progress = &downloads;
  plane_options.runtime.providers.given = [&plugins](const std::string& name) {
    return plugins.find(name);
  };
  TRY(const auto plane,
      host::DataPlane::create(std::move(plane_options), *engine, log, metrics, clock));
  Termination termination;
  TRY(const net::Endpoint bound, plane->listen(where, listener));
  std::optional<host::CertificateKeeper> certificates;
  if (listener.tls) certificates.emplace(plane->control(), listener.tls, log);
  events.serveAt(bound.toString(),
                 servedUrl(bound, listener.tls ? http::Scheme::kHttps : http::Scheme::kHttp));
  TRY_VOID(parts.context.set("dev.address", bound.toString()));

  plugins.start(*plane, *engine);
  Result<void> served = serve(*plane, workbench, options, events, termination, log, clock);
  plugins.end(*plane);
  return served;
}

}  // namespace nimbus::wash
