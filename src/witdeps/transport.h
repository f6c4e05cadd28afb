#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/process.h"
#include "base/result.h"
#include "oci/artifact_service.h"
#include "oci/digest.h"
#include "oci/progress.h"
#include "project/git_checkout.h"

namespace nimbus::witdeps {

// One artifact to be pulled from an OCI registry.
struct PullOrder {
  oci::Reference reference;
  oci::PullPolicy policy = oci::PullPolicy::kAlways;
  std::optional<oci::Credential> login;  // goes before Docker's
  bool insecure = false;
};

struct PulledWasm {
  Bytes wasm;
  oci::Digest digest;  // of the bytes, which is what lock files have
};

// How packages get here from elsewhere. Blocks.
class Transport {
 public:
  virtual ~Transport() = default;
  // What was pulled before, by its digest; nothing if it is not kept any more.
  [[nodiscard]] virtual Result<std::optional<Bytes>> cached(const oci::Digest& digest) = 0;
  [[nodiscard]] virtual Result<PulledWasm> pull(const PullOrder& order) = 0;
  // What lies at an address. kNotFound: the server says that there is nothing.
  [[nodiscard]] virtual Result<Bytes> download(const std::string& url, std::size_t max_bytes) = 0;
  [[nodiscard]] virtual Result<project::GitCheckout> clone(const project::GitSource& source) = 0;
};

// Told how packages get on that are on their way, so that somebody who waits can be shown it. One
// thread at a time, not always the one that waits; must be quick.
class TransportProgress : public oci::Progress {
 public:
  // git clones a repository, one at a time.
  virtual void beginClone(const std::string& url) = 0;
  virtual void endClone() = 0;
};

struct NetworkOptions {
  std::vector<std::string> ca_paths;  // PEM files of more certificate authorities
  bool insecure = false;              // all registries speak HTTP without TLS
  bool interactive = false;           // git may ask for credentials
  std::stop_token stop;               // ends git
  // Of registries and git; null: nobody waits. Outlives the transport.
  TransportProgress* progress = nullptr;
};

// The real one: registries through the user's cache and with Docker's logins, and git. Nothing is
// connected, and no folder made, before it is needed.
class NetworkTransport final : public Transport {
 public:
  using Download = std::function<Result<Bytes>(const std::string& url, std::size_t max_bytes)>;
  // `runner` outlives it.
  NetworkTransport(NetworkOptions options, Download download, ProcessRunner& runner)
      : options_(std::move(options)), download_(std::move(download)), runner_(runner) {}

  [[nodiscard]] Result<std::optional<Bytes>> cached(const oci::Digest& digest) override;
  [[nodiscard]] Result<PulledWasm> pull(const PullOrder& order) override;
  [[nodiscard]] Result<Bytes> download(const std::string& url, std::size_t max_bytes) override;
  [[nodiscard]] Result<project::GitCheckout> clone(const project::GitSource& source) override;

 private:
  [[nodiscard]] Result<oci::ArtifactService*> artifacts();

  NetworkOptions options_;
  Download download_;
  ProcessRunner& runner_;
  std::unique_ptr<oci::ArtifactService> artifacts_;
};

}  // namespace nimbus::witdeps
