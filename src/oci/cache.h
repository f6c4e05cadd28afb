#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "oci/digest.h"
#include "oci/manifest.h"
#include "oci/partial_blob.h"
#include "oci/reference.h"

namespace nimbus::oci {

// Artifacts on disk: blobs by their digest, and which manifest a reference last named. The folder
// is the user's alone; a blob is verified whenever it is read; files appear whole or not at all, so
// that any number of processes may share it. Format: docs/formats/oci-cache.md. All of it blocks.
class Cache {
 public:
  static constexpr std::uint64_t kDefaultMaxBytes = 2ULL << 30;

  // Makes the folder if need be. kPermissionDenied if it is not the user's alone.
  [[nodiscard]] static Result<Cache> open(std::string folder, std::uint64_t max_bytes);

  // $XDG_CACHE_HOME/wash/oci, or ~/.cache/wash/oci; empty without either.
  [[nodiscard]] static std::string defaultFolder();

  // Nothing if it is not there, or was damaged, and is deleted now. kResourceExhausted: larger than
  // `max_bytes`.
  [[nodiscard]] Result<std::optional<Bytes>> read(const Digest& digest, std::uint64_t max_bytes);
  // How many bytes it has if it is there and undamaged, without keeping it in memory.
  [[nodiscard]] Result<std::optional<std::uint64_t>> verify(const Digest& digest);
  // Where a blob lies that is there.
  [[nodiscard]] std::string pathOf(const Digest& digest) const;

  // Deletes it, if it is there.
  void drop(const Digest& digest);

  [[nodiscard]] Result<Digest> put(ByteView blob);
  // A download that comes piece by piece; keep() ends it.
  [[nodiscard]] Result<std::unique_ptr<PartialBlob>> begin(const Descriptor& blob);
  [[nodiscard]] Result<void> keep(PartialBlob& blob, const Digest& digest);

  // The manifest that the reference named last; or else that of its digest, if it has one.
  [[nodiscard]] std::optional<Digest> find(const Reference& reference);
  [[nodiscard]] Result<void> remember(const Reference& reference, const Digest& manifest);

  // Deletes the least recently used blobs beyond the size limit, but none of `used`, and what
  // broken-off downloads left behind days ago.
  [[nodiscard]] Result<void> trim(std::span<const Digest> used);

 private:
  Cache(std::string folder, std::uint64_t max_bytes)
      : folder_(std::move(folder)), max_bytes_(max_bytes) {}
  [[nodiscard]] std::string blobsFolder() const { return folder_ + "/blobs/sha256"; }
  [[nodiscard]] std::string partialFolder() const { return folder_ + "/partial"; }
  [[nodiscard]] std::string referencesFolder() const { return folder_ + "/references"; }
  [[nodiscard]] std::string referencePath(const Reference& reference) const;
  void forgetReferencesWithoutManifest();

  std::string folder_;
  std::uint64_t max_bytes_;
};

}  // namespace nimbus::oci
