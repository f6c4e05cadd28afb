#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/process.h"
#include "base/result.h"
#include "base/sync.h"
#include "base/task.h"
#include "host/manifest/manifest.h"
#include "host/workload/permits.h"
#include "host/workload/runtime.h"
#include "net/shard.h"
#include "oci/artifact_service.h"

namespace nimbus::host {

// How a host gets components that manifests name by image.
struct ImageOptions {
  oci::ArtifactServiceOptions service;
  std::vector<std::string> insecure_registries;  // spoken to without TLS; "*": all of them
  Duration pull_timeout = std::chrono::seconds(30);
  std::uint64_t max_bytes = 256ULL << 20;  // of one component
};

// What an operator named must be usable, and is looked at when the host starts: files of
// certificate authorities, and passwords.
[[nodiscard]] Result<void> checkImageOptions(const ImageOptions& options);

// Brings the images of workloads onto this host. Downloads run on a thread of their own, which
// begins with the first of them; workloads that want the same image at the same time share one.
// Lives on the control shard, where cancelAll() ends what is under way; destroyed after that, on a
// thread that is no shard's.
class Images {
 public:
  Images(net::Shard& control, ImageOptions options)
      : control_(control), options_(std::move(options)), pulls_(control, kMaxPulls) {}

  // kCacheWillDo: though the manifest may say `Always`.
  using Freshness = WorkloadRuntime::Freshness;
  // The same workload with `file` and `digest` of each such component being those of its image, in
  // the cache; the very same if it has none. Errors name the component: those of
  // oci::Artifacts::pull(), and kInvalidArgument if the manifest's digest is another.
  [[nodiscard]] Task<Result<std::shared_ptr<const WorkloadSpec>>> locate(
      std::shared_ptr<const WorkloadSpec> spec, Freshness freshness);

  void cancelAll() { tasks_.cancelAll(); }

 private:
  static constexpr std::size_t kMaxPulls = 32;  // at once
  struct Pull {
    std::optional<Result<oci::Pulled>> outcome;
    Event done;
  };

  [[nodiscard]] Task<Result<void>> locateOne(ComponentSpec* component, Freshness freshness);
  [[nodiscard]] Task<Result<oci::Pulled>> pullShared(oci::Reference reference,
                                                     oci::PullPolicy policy);
  [[nodiscard]] Task<void> pull(std::string key, oci::Reference reference, oci::PullPolicy policy,
                                std::shared_ptr<Pull> shared);
  [[nodiscard]] Result<oci::ArtifactService*> service();
  [[nodiscard]] bool isInsecure(const std::string& registry) const;

  net::Shard& control_;
  const ImageOptions options_;
  SystemProcessRunner runner_;
  std::unique_ptr<oci::ArtifactService> service_;
  std::map<std::string, std::shared_ptr<Pull>> running_;  // by policy and reference
  Permits pulls_;
  TaskSet tasks_;  // last: its tasks use the members above
};

}  // namespace nimbus::host
