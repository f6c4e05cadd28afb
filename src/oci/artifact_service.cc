#include "oci/artifact_service.h"

#include <utility>

#include <fmt/format.h>

#include "base/metrics.h"
#include "base/sync.h"
#include "http/client.h"
#include "http/client_deadline.h"
#include "net/blocking_worker.h"
#include "net/resolver.h"
#include "net/stoppable.h"
#include "net/tls.h"

namespace nimbus::oci {
namespace {

constexpr Duration kResolveTimeout = std::chrono::seconds(5);
// Programs that keep credentials may wait for a user.
constexpr std::size_t kCredentialThreads = 4;

}  // namespace

// What it takes to talk to registries.
struct ArtifactService::Network {
  MetricRegistry metrics;
  net::BlockingWorker worker{kCredentialThreads};
  std::unique_ptr<net::Resolver> resolver;
  std::unique_ptr<http::Client> client;
};

ArtifactService::ArtifactService(ArtifactServiceOptions options, Cache cache, ProcessRunner& runner)
    : options_(std::move(options)),
      cache_(std::move(cache)),
      docker_(options_.docker_config_path, runner),
      credentials_(options_.logins, docker_),
      artifacts_([this] { return connect(); }, cache_),
      pulls_(std::make_unique<TaskSet>()) {}

Result<std::unique_ptr<ArtifactService>> ArtifactService::start(ArtifactServiceOptions options,
                                                                ProcessRunner& runner) {
  if (options.cache_folder.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                "there is no place for the cache of artifacts: set HOME or XDG_CACHE_HOME to an "
                "absolute path");
  }
  TRY(Cache cache, Cache::open(options.cache_folder, options.cache_max_bytes));
  std::unique_ptr<ArtifactService> service(
      new ArtifactService(std::move(options), std::move(cache), runner));
  TRY(service->group_, net::ShardGroup::start(1));
  return service;
}

ArtifactService::~ArtifactService() {
  if (!group_) return;
  group_->runOn(0, [this](net::Shard&) {
    pulls_.reset();
    network_.reset();
  });
}

Result<RegistryEnvironment> ArtifactService::connect() {
  net::Shard& shard = (*group_)[0];
  if (!network_) {
    auto network = std::make_unique<Network>();
    net::TlsClientOptions tls;
    tls.system_roots = options_.system_roots;
    tls.extra_ca_paths = options_.ca_paths;
    TRY(auto context, net::makeTlsClientContext(std::move(tls)));
    TRY(network->resolver, net::makeResolver(shard, kResolveTimeout));
    network->client = http::makeClient(shard, *network->resolver, std::move(context),
                                       http::ClientLimits(), network->metrics);
    network_ = std::move(network);
  }
  return RegistryEnvironment{shard, *network_->client, network_->worker, credentials_};
}

Task<Result<Pulled>> ArtifactService::pullInTime(PullRequest request, Progress* progress) {
  net::Shard& shard = (*group_)[0];
  std::string late =
      fmt::format("cannot pull {}: it takes longer than {} s", request.reference.text(),
                  std::chrono::duration_cast<std::chrono::seconds>(request.timeout).count());
  const TimePoint deadline = http::deadlineAfter(shard, request.timeout);
  co_return co_await http::within(shard, deadline,
                                  artifacts_.pull(std::move(request.reference), request.policy,
                                                  std::move(request.options), progress),
                                  std::move(late));
}

Task<Result<Pulled>> ArtifactService::pull(net::Shard& caller, PullRequest request) {
  auto arrived = std::make_shared<OneShot<Result<Pulled>>>();  // touched on the caller's shard only
  (*group_)[0].post([this, &caller, arrived, request = std::move(request)]() mutable {
    pulls_->spawn(pullFor(&caller, std::move(arrived), std::move(request)));
  });
  co_return co_await arrived->wait();
}

Task<void> ArtifactService::pullFor(net::Shard* caller, Arrived arrived, PullRequest request) {
  auto pulled = co_await pullInTime(std::move(request), options_.progress);
  caller->post([arrived = std::move(arrived), pulled = std::move(pulled)]() mutable {
    arrived->set(std::move(pulled));
  });
}

Result<Pulled> ArtifactService::pullAndWait(PullRequest request, Progress* progress) {
  return net::runUnlessStopped<Pulled>(*group_, options_.stop, "download", [&](net::Shard&) {
    return pullInTime(std::move(request), progress);
  });
}

Result<Artifacts::Pushed> ArtifactService::pushAndWait(Reference reference, WasmArtifact artifact,
                                                       RegistryOptions options,
                                                       Progress* progress) {
  return net::runUnlessStopped<Artifacts::Pushed>(
      *group_, options_.stop, "upload", [&](net::Shard&) {
        return artifacts_.push(std::move(reference), std::move(artifact), std::move(options),
                               progress);
      });
}

Result<Bytes> ArtifactService::read(const Pulled& pulled) { return artifacts_.read(pulled); }

Result<std::optional<Bytes>> ArtifactService::readCached(const Digest& digest,
                                                         std::uint64_t max_bytes) {
  return cache_.read(digest, max_bytes);
}

}  // namespace nimbus::oci
