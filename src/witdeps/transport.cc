#include "witdeps/transport.h"

#include <utility>

namespace nimbus::witdeps {
namespace {

constexpr std::uint64_t kMaxPackageBytes = 64ULL << 20;
constexpr std::size_t kAttempts = 4;

// Tells of one clone, and of its end however it comes.
class WatchedClone {
 public:
  WatchedClone(TransportProgress* progress, const std::string& url) : progress_(progress) {
    if (progress_ != nullptr) progress_->beginClone(url);
  }
  WatchedClone(const WatchedClone&) = delete;
  WatchedClone& operator=(const WatchedClone&) = delete;
  ~WatchedClone() {
    if (progress_ != nullptr) progress_->endClone();
  }

 private:
  TransportProgress* progress_;
};

}  // namespace

Result<oci::ArtifactService*> NetworkTransport::artifacts() {
  if (!artifacts_) {
    oci::ArtifactServiceOptions options;
    options.ca_paths = options_.ca_paths;
    TRY(artifacts_, oci::ArtifactService::start(std::move(options), runner_));
  }
  return artifacts_.get();
}

Result<std::optional<Bytes>> NetworkTransport::cached(const oci::Digest& digest) {
  TRY(oci::ArtifactService* const service, artifacts());
  return service->readCached(digest, kMaxPackageBytes);
}

Result<PulledWasm> NetworkTransport::pull(const PullOrder& order) {
  TRY(oci::ArtifactService* const service, artifacts());
  oci::RegistryOptions options;
  options.insecure = order.insecure || options_.insecure;
  options.credential = order.login;
  options.max_blob_bytes = kMaxPackageBytes;
  options.retry.attempts = kAttempts;
  TRY(const oci::Pulled pulled,
      service->pullAndWait({order.reference, order.policy, std::move(options)}, options_.progress));
  TRY(Bytes wasm, service->read(pulled));
  return PulledWasm{std::move(wasm), pulled.layer};
}

Result<Bytes> NetworkTransport::download(const std::string& url, std::size_t max_bytes) {
  return download_(url, max_bytes);
}

Result<project::GitCheckout> NetworkTransport::clone(const project::GitSource& source) {
  const WatchedClone watched(options_.progress, source.url);
  return project::GitCheckout::clone(source, runner_, options_.interactive, options_.stop);
}

}  // namespace nimbus::witdeps
