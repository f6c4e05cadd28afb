#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/log.h"
#include "base/result.h"
#include "engine/digest.h"

namespace nimbus::engine {

// Native code on disk, by the digest of the component and the fingerprint of the engine. Format:
// docs/formats/code-cache.md. A flipped byte in native code is arbitrary code, so the folder must
// belong to the user with mode 0700, and each file is verified by its SHA-256, which covers what it
// is for as well, through the very descriptor that is then mapped. Files are written under another
// name and renamed, but not synced: after a power failure one may have lost its end, and what does
// not verify is deleted. Several processes may share a folder. Any thread.
class CodeCache {
 public:
  using Fingerprint = std::array<std::uint8_t, 16>;

  // Makes the folder if need be. kPermissionDenied if it is not the user's alone.
  [[nodiscard]] static Result<CodeCache> open(std::string folder, std::uint64_t max_bytes,
                                              Logger& log);

  // A verified file, open; `path` names the open descriptor (/proc/self/fd/N).
  class Entry {
   public:
    explicit Entry(int fd, std::uint64_t code_bytes) : fd_(fd), code_bytes_(code_bytes) {}
    Entry(Entry&& other) noexcept;
    Entry& operator=(Entry&&) = delete;
    ~Entry();
    [[nodiscard]] std::string path() const;
    [[nodiscard]] std::uint64_t codeBytes() const { return code_bytes_; }

   private:
    int fd_;
    std::uint64_t code_bytes_;
  };

  // Nothing if there is no such file, or it was damaged or is of something else (and is deleted
  // now).
  [[nodiscard]] std::optional<Entry> find(const Sha256& digest, const Fingerprint& fingerprint);

  // Adds a file, then deletes the least recently used ones beyond the size limit.
  [[nodiscard]] Result<void> put(const Sha256& digest, const Fingerprint& fingerprint,
                                 ByteView code);

 private:
  CodeCache(std::string folder, std::uint64_t max_bytes, Logger& log)
      : folder_(std::move(folder)), max_bytes_(max_bytes), log_(&log) {}
  [[nodiscard]] std::string pathOf(const Sha256& digest, const Fingerprint& fingerprint) const;
  void evict(std::string_view keep);

  std::string folder_;
  std::uint64_t max_bytes_;
  Logger* log_;
};

}  // namespace nimbus::engine
