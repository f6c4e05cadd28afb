#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/process.h"
#include "base/result.h"
#include "base/task.h"
#include "net/shard.h"
#include "oci/artifacts.h"

namespace nimbus::oci {

struct ArtifactServiceOptions {
  std::string cache_folder = Cache::defaultFolder();
  std::uint64_t cache_max_bytes = Cache::kDefaultMaxBytes;
  std::string docker_config_path = DockerCredentials::defaultPath();
  std::vector<FileLogin> logins;  // go before Docker's
  bool system_roots = true;
  std::vector<std::string> ca_paths;  // PEM files of more certificate authorities
  std::stop_token stop;               // a request ends what blocks: kCancelled
  // Told of the downloads of pull(), which may overlap; may be null, and outlives the service.
  Progress* progress = nullptr;
};

struct PullRequest {
  Reference reference;
  PullPolicy policy = PullPolicy::kIfNotPresent;
  RegistryOptions options;
  Duration timeout = std::chrono::hours(24);  // of all of it
};

// Artifacts on a thread of its own, so that neither disks nor slow registries keep anybody else
// waiting. Connections and certificates are made ready when a registry is first talked to. Made
// and destroyed where no shard runs; the shards that called it live longer, their calls do not.
class ArtifactService {
 public:
  // `runner` outlives it. kPermissionDenied, kIo: the cache cannot be used.
  [[nodiscard]] static Result<std::unique_ptr<ArtifactService>> start(
      ArtifactServiceOptions options, ProcessRunner& runner);
  ~ArtifactService();
  ArtifactService(const ArtifactService&) = delete;
  ArtifactService& operator=(const ArtifactService&) = delete;

  // From a shard. A task that is destroyed drops the answer; the download goes on to its end.
  // kDeadlineExceeded besides the errors of Artifacts::pull().
  [[nodiscard]] Task<Result<Pulled>> pull(net::Shard& caller, PullRequest request);

  // These block, and are for threads that are no shards'. `progress` may be null.
  [[nodiscard]] Result<Pulled> pullAndWait(PullRequest request, Progress* progress);
  [[nodiscard]] Result<Artifacts::Pushed> pushAndWait(Reference reference, WasmArtifact artifact,
                                                      RegistryOptions options, Progress* progress);
  [[nodiscard]] Result<Bytes> read(const Pulled& pulled);
  // The blob of that digest, verified, if the cache has it and it is no larger.
  [[nodiscard]] Result<std::optional<Bytes>> readCached(const Digest& digest,
                                                        std::uint64_t max_bytes);

 private:
  struct Network;
  using Arrived = std::shared_ptr<OneShot<Result<Pulled>>>;

  ArtifactService(ArtifactServiceOptions options, Cache cache, ProcessRunner& runner);
  [[nodiscard]] Result<RegistryEnvironment> connect();
  [[nodiscard]] Task<Result<Pulled>> pullInTime(PullRequest request, Progress* progress);
  [[nodiscard]] Task<void> pullFor(net::Shard* caller, Arrived arrived, PullRequest request);

  const ArtifactServiceOptions options_;
  Cache cache_;
  DockerCredentials docker_;
  FileCredentials credentials_;
  std::unique_ptr<net::ShardGroup> group_;
  // On the service's shard.
  std::unique_ptr<Network> network_;
  Artifacts artifacts_;
  std::unique_ptr<TaskSet> pulls_;
};

}  // namespace nimbus::oci
