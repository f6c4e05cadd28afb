#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"

// Blocking file work of the cache.
namespace nimbus::oci {

// Owns a file descriptor.
class OpenFile {
 public:
  OpenFile() = default;
  explicit OpenFile(int descriptor) : descriptor_(descriptor) {}
  OpenFile(OpenFile&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  OpenFile& operator=(OpenFile&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~OpenFile();
  [[nodiscard]] int get() const { return descriptor_; }
  [[nodiscard]] bool valid() const { return descriptor_ >= 0; }

 private:
  int descriptor_ = -1;
};

// kNotFound, kPermissionDenied or kIo with "cannot <what> <path>: <text of errno>".
[[nodiscard]] std::unexpected<Error> failFor(std::string_view what, const std::string& path,
                                             int error);

// The content of a regular file; kResourceExhausted beyond `max_bytes`.
[[nodiscard]] Result<std::string> readFile(const std::string& path, std::size_t max_bytes);

// Writes all of it; `path` is for messages.
[[nodiscard]] Result<void> writeAll(const OpenFile& file, const std::string& path, ByteView bytes);

// Puts a file in place at once: written under another name beside it, synced and renamed, so that
// nobody ever sees a part of it. `mode` is that of a new file.
[[nodiscard]] Result<void> replaceFile(const std::string& path, ByteView content, unsigned mode);

// A folder for the user alone: made with mode 0700 if it is missing, and its parents; refused with
// kPermissionDenied if it belongs to somebody else or others may write to it or look into it.
[[nodiscard]] Result<void> ensurePrivateFolder(const std::string& folder);

}  // namespace nimbus::oci
