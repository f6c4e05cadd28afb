#pragma once

#include <optional>
#include <string>
#include <variant>

#include "base/bytes.h"
#include "base/result.h"
#include "base/task.h"
#include "oci/blob_sink.h"
#include "oci/manifest.h"
#include "oci/progress.h"
#include "oci/reference.h"
#include "oci/registry_options.h"
#include "oci/requester.h"

namespace nimbus::oci {

// One repository at a registry that speaks the OCI distribution specification 1.1. Everything that
// is received is bounded, and verified by size and SHA-256; what fails in passing (429, 5xx, lost
// connections) is tried again, and a blob goes on where it was broken off. Lives on one shard.
//
//   Registry registry(environment, options, reference, Access::kPull);
//   CO_TRY(const auto fetched, co_await registry.fetchManifest(reference.version()));
class Registry {
 public:
  Registry(RegistryEnvironment environment, RegistryOptions options, Reference reference,
           Access access);
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  struct FetchedManifest {
    Digest digest;
    Bytes document;
    std::variant<Manifest, Index> content;
  };
  // By tag or digest. kNotFound, kPermissionDenied, kUnavailable, kProtocol, kUnsupported, …
  [[nodiscard]] Task<Result<FetchedManifest>> fetchManifest(std::string version);

  // Brings the rest of the blob into the sink, verified. kResourceExhausted: larger than allowed.
  // `sink` and `progress` (which may be null) outlive the task.
  [[nodiscard]] Task<Result<void>> fetchBlob(Descriptor blob, BlobSink* sink, Progress* progress);

  [[nodiscard]] Task<Result<bool>> hasBlob(Digest digest);

  // Uploads the blob unless it is there. True if it was uploaded.
  [[nodiscard]] Task<Result<bool>> pushBlob(Descriptor blob, Bytes content, Progress* progress);

  [[nodiscard]] Task<Result<void>> pushManifest(std::string tag, std::string document);

 private:
  struct Upload;
  [[nodiscard]] Task<Attempt<FetchedManifest>> tryManifest(std::string version);
  [[nodiscard]] Task<Attempt<void>> tryBlob(Descriptor blob, BlobSink* sink,
                                            const Watched* watched);
  [[nodiscard]] Task<Attempt<void>> receiveBlob(RegistryAnswer answer, Descriptor blob,
                                                BlobSink* sink, const Watched* watched);
  [[nodiscard]] Task<Attempt<bool>> tryHead(std::string path);
  [[nodiscard]] Task<Attempt<void>> tryManifestUpload(std::string tag, std::string document);
  [[nodiscard]] Task<Attempt<void>> tryUpload(Upload* upload);
  [[nodiscard]] Task<Attempt<void>> beginUpload(Upload* upload);
  [[nodiscard]] Task<void> findUploaded(Upload* upload);
  [[nodiscard]] Task<Attempt<void>> sendPiece(Upload* upload, std::uint64_t bytes);
  [[nodiscard]] Task<Attempt<void>> finishUpload(Upload* upload, Bytes rest);

  const RegistryOptions options_;
  const Reference reference_;
  Requester requester_;
};

}  // namespace nimbus::oci
