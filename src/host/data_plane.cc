#include "host/data_plane.h"

#include <latch>
#include <mutex>
#include <optional>
#include <utility>

#include "host/admin/descriptor_watch.h"
#include "net/bind.h"

namespace nimbus::host {

namespace {

// Reads the system's roots at the first use of TLS by a guest: that takes longer than everything
// else a start does.
class LazyTls final : public net::TlsClientContext {
 public:
  explicit LazyTls(net::TlsClientOptions options) : options_(std::move(options)) {}

  Task<Result<std::unique_ptr<net::Stream>>> connect(std::unique_ptr<net::Stream> stream,
                                                     std::string server_name,
                                                     std::vector<std::string> alpn) override {
    std::call_once(once_, [this] { context_ = net::makeTlsClientContext(options_); });
    if (!*context_) co_return std::unexpected(context_->error());
    co_return co_await (**context_)
        ->connect(std::move(stream), std::move(server_name), std::move(alpn));
  }

 private:
  const net::TlsClientOptions options_;
  std::once_flag once_;
  std::optional<Result<std::shared_ptr<net::TlsClientContext>>> context_;
};

// Files that the operator named are read now, so that a mistake in them shows at the start.
Result<std::shared_ptr<net::TlsClientContext>> makeLazyTls(const net::TlsClientOptions& options) {
  if (!options.extra_ca_paths.empty() || !options.identity.certificate_path.empty()) {
    return net::makeTlsClientContext(options);
  }
  return std::make_shared<LazyTls>(options);
}

}  // namespace

// What lives on one serving shard, made and destroyed on its thread.
struct DataPlane::ServingPart {
  ServingPart(net::Shard& shard, std::size_t shard_count, Quota& instances,
              const std::vector<ShardRuntime*>& peers, std::unique_ptr<net::Resolver> names,
              std::unique_ptr<http::Client> outgoing)
      : resolver(std::move(names)),
        client(std::move(outgoing)),
        runtime(shard, shard_count, instances, *resolver, *client, &peers),
        gateway(runtime, peers) {}

  std::unique_ptr<net::Resolver> resolver;
  std::unique_ptr<http::Client> client;
  ShardRuntime runtime;
  Gateway gateway;
  TaskSet closing;
  std::vector<std::unique_ptr<http::Server>> servers;  // first to go
};

struct DataPlane::Impl {
  // An address that nobody can connect to yet.
  struct BoundListener {
    std::vector<std::unique_ptr<net::ListenSocket>> sockets;  // one for each shard
    http::ServerOptions options;
  };

  DataPlaneOptions options;
  Logger& log;
  MetricRegistry& metrics;
  Quota instances;
  std::unique_ptr<net::ShardGroup> control;
  std::unique_ptr<net::ShardGroup> serving;
  std::vector<std::unique_ptr<ServingPart>> parts;
  std::vector<ShardRuntime*> peers;  // by index; fixed before anything listens
  std::unique_ptr<LocalRuntime> runtime;
  std::vector<BoundListener> bound;
  std::optional<DescriptorWatch> descriptors;

  Impl(DataPlaneOptions chosen, Logger& logger, MetricRegistry& registry)
      : options(std::move(chosen)),
        log(logger),
        metrics(registry),
        instances(options.max_instances) {}

  Result<void> makeParts();
};

Result<void> DataPlane::Impl::makeParts() {
  parts.resize(serving->size());  // what is destroyed on every shard, also after a failure
  TRY(const std::shared_ptr<net::TlsClientContext> tls, makeLazyTls(options.client_tls));
  http::ClientLimits limits = options.client;
  // Each shard may keep its part of them.
  limits.max_idle_per_authority =
      (limits.max_idle_per_authority + serving->size() - 1) / serving->size();
  const auto connections =
      std::make_shared<http::ClientConnections>(limits.max_connections_per_key);
  Result<void> made;
  serving->runOnEach([&](net::Shard& shard) {
    auto resolver = net::makeResolver(shard, options.runtime.egress.resolve_timeout);
    if (!resolver) {
      made = std::unexpected(std::move(resolver).error());
      return;
    }
    auto client = http::makeClient(shard, **resolver, tls, limits, metrics, connections);
    parts[shard.index()] = std::make_unique<ServingPart>(shard, serving->size(), instances, peers,
                                                         *std::move(resolver), std::move(client));
    peers.push_back(&parts[shard.index()]->runtime);
  });
  return made;
}

DataPlane::DataPlane(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

DataPlane::~DataPlane() {
  if (impl_->runtime)
    impl_->control->runOn(0, [this](net::Shard&) { impl_->runtime->cancelFetches(); });
  // They have no end of their own, and use what goes now.
  if (impl_->runtime) impl_->runtime->stopServices();
  // Requests first, on all shards: a forwarded one uses two of them.
  impl_->serving->runOnEach([this](net::Shard& shard) {
    const auto& part = impl_->parts[shard.index()];
    if (!part) return;
    part->runtime.closing = true;
    part->servers.clear();
    part->runtime.forwarded.cancelAll();
  });
  impl_->serving->runOnEach([this](net::Shard& shard) { impl_->parts[shard.index()].reset(); });
}

Result<std::unique_ptr<DataPlane>> DataPlane::create(DataPlaneOptions options,
                                                     engine::Engine& engine, Logger& log,
                                                     MetricRegistry& metrics, const Clock& clock) {
  TRY_VOID(checkImageOptions(options.runtime.images));
  options.runtime.sockets = std::make_shared<HostSockets>(
      OpenLimits{.sockets = options.max_sockets, .files = options.max_files}, metrics);
  auto impl = std::make_unique<Impl>(std::move(options), log, metrics);
  TRY(impl->control, net::ShardGroup::start(1));
  TRY(impl->serving, net::ShardGroup::start(impl->options.shards));
  std::unique_ptr<DataPlane> plane(new DataPlane(std::move(impl)));
  Impl& made = *plane->impl_;
  made.descriptors.emplace(*made.control, log, metrics);
  TRY_VOID(made.makeParts());
  std::vector<ServingShard> shards;
  for (const auto& part : made.parts) {
    shards.push_back({&part->runtime, &part->gateway, &part->closing});
  }
  made.runtime =
      std::make_unique<LocalRuntime>((*made.control)[0], *made.serving, std::move(shards), engine,
                                     made.options.runtime, log, clock);
  TRY_VOID(made.runtime->claimVolumes());
  return plane;
}

net::ShardGroup& DataPlane::control() { return *impl_->control; }
LocalRuntime& DataPlane::runtime() { return *impl_->runtime; }
std::size_t DataPlane::shardCount() const { return impl_->serving->size(); }

Result<void> DataPlane::openProviders(std::shared_ptr<const WorkloadSpec> spec) {
  Result<void> opened;
  impl_->control->runTask(
      0, [&](net::Shard&) -> Task<void> { opened = co_await impl_->runtime->openProviders(spec); });
  return opened;
}

Result<net::Endpoint> DataPlane::bind(const net::Endpoint& where, http::ServerOptions options) {
  options.connections = std::make_shared<http::ListenerConnections>(options.limits.max_connections);
  options.when_full = http::WhenFull::kEndLongestIdle;  // who says nothing keeps nobody out
  TRY(auto sockets, net::bindTo(where, shardCount()));
  net::Endpoint bound = sockets.front()->boundTo();
  impl_->bound.push_back({.sockets = std::move(sockets), .options = std::move(options)});
  return bound;
}

Result<void> DataPlane::serve() {
  std::vector<Impl::BoundListener> all = std::exchange(impl_->bound, {});
  for (Impl::BoundListener& listener : all) {
    TRY_VOID(net::startListening(listener.sockets));
    impl_->serving->runOnEach([&](net::Shard& shard) {
      ServingPart& part = *impl_->parts[shard.index()];
      part.servers.push_back(http::makeServer(shard, std::move(listener.sockets[shard.index()]),
                                              part.gateway, listener.options, impl_->log,
                                              impl_->metrics));
    });
  }
  return {};
}

Result<net::Endpoint> DataPlane::listen(const net::Endpoint& where, http::ServerOptions options) {
  TRY(net::Endpoint bound, bind(where, std::move(options)));
  TRY_VOID(serve());
  return bound;
}

void DataPlane::runTask(std::size_t shard,
                        std::move_only_function<Task<void>(ShardRuntime&)> make) {
  impl_->serving->runTask(shard, [&](net::Shard&) { return make(impl_->parts[shard]->runtime); });
}

namespace {

Task<void> drainAll(std::vector<std::unique_ptr<http::Server>>& servers, Duration bound,
                    std::latch& done) {
  TaskSet drains;
  for (const auto& server : servers) drains.spawn(server->drain(bound));
  co_await drains.empty();
  done.count_down();
}

}  // namespace

// On all shards at once, and without a thread for each: there may be none left to have.
void DataPlane::drain(Duration bound) {
  std::latch done(static_cast<std::ptrdiff_t>(shardCount()));
  for (std::size_t i = 0; i < shardCount(); ++i) {
    (*impl_->serving)[i].post([&part = *impl_->parts[i], bound, &done] {
      part.closing.spawn(drainAll(part.servers, bound, done));
    });
  }
  done.wait();
}

}  // namespace nimbus::host
