#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "base/task.h"
#include "oci/cache.h"
#include "oci/progress.h"
#include "oci/pull_policy.h"
#include "oci/reference.h"
#include "oci/registry.h"
#include "oci/registry_options.h"
#include "oci/wasm_artifact.h"

namespace nimbus::oci {

// An artifact in the cache.
struct Pulled {
  Reference reference;
  Digest digest;  // of the manifest
  Digest layer;   // of the component
  std::uint64_t bytes = 0;
  std::string path;  // of the component in the cache
  bool downloaded = false;
};

// Components in registries, through the cache. Its disk work blocks, so it has a shard of its own
// wherever others must not wait (see ArtifactService).
class Artifacts {
 public:
  // Called before a registry is talked to: what the cache has needs no network.
  using Connect = std::function<Result<RegistryEnvironment>()>;
  // `cache` outlives it.
  Artifacts(Connect connect, Cache& cache) : connect_(std::move(connect)), cache_(cache) {}

  // kNotFound: no such artifact, or kNever and it is not in the cache; and the errors of Registry.
  // Every message begins with the reference. `progress` may be null and outlives the task.
  [[nodiscard]] Task<Result<Pulled>> pull(Reference reference, PullPolicy policy,
                                          RegistryOptions options, Progress* progress);

  // The bytes of what was pulled, verified again.
  [[nodiscard]] Result<Bytes> read(const Pulled& pulled);

  struct Pushed {
    Digest digest;
    bool uploaded = false;  // false: the registry had the component already
  };
  // Makes the reference's tag name the artifact. kInvalidArgument: it has none.
  [[nodiscard]] Task<Result<Pushed>> push(Reference reference, WasmArtifact artifact,
                                          RegistryOptions options, Progress* progress);

 private:
  [[nodiscard]] Result<std::optional<Pulled>> findCached(const Reference& reference);
  [[nodiscard]] Task<Result<Pulled>> pullAnew(Reference reference, RegistryOptions options,
                                              Progress* progress);
  [[nodiscard]] Result<void> checkLayer(const Descriptor& layer, bool was_there);
  [[nodiscard]] Task<Result<Pushed>> pushAll(Reference reference, WasmArtifact artifact,
                                             RegistryOptions options, Progress* progress);

  Connect connect_;
  Cache& cache_;
};

}  // namespace nimbus::oci
