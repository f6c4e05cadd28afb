#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "host/manifest.h"

// Blocking file work of the control plane; call it from a net::BlockingWorker or before serving.
namespace nimbus::host {

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

// Identity and age of a file: while its stamp is equal its content has not been replaced.
struct FileStamp {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t bytes = 0;
  std::int64_t modified_ns = 0;  // since 1970
  std::int64_t changed_ns = 0;

  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};
// All zero if there is no such file. Follows symbolic links.
[[nodiscard]] FileStamp stampOf(const std::string& path);
// Of the files of a workload's components and its service, in their order.
[[nodiscard]] std::vector<FileStamp> stampsOf(const WorkloadSpec& spec);

// The content of a regular file. kNotFound, kPermissionDenied, kResourceExhausted (larger than
// `max_bytes`), kInvalidArgument (not a regular file), kIo.
[[nodiscard]] Result<std::string> readFile(const std::string& path, std::size_t max_bytes);

// Replaces `folder`/`name` so that after a crash at any moment the file holds the old or the new
// content: written beside it, synced, renamed, and the folder synced. Mode 0600.
[[nodiscard]] Result<void> replaceFileDurably(const std::string& folder, const std::string& name,
                                              std::string_view content);

// Makes what was created, renamed and deleted in the folder survive a crash.
[[nodiscard]] Result<void> syncFolder(const std::string& folder);

// Deletes the file, if it is there, and syncs the folder.
[[nodiscard]] Result<void> removeFileDurably(const std::string& folder, const std::string& name);

// A folder that only its owner can look into: made with mode 0700 if it is missing (with its
// parents), refused with kPermissionDenied if it belongs to somebody else or is open to others.
[[nodiscard]] Result<void> ensurePrivateFolder(const std::string& folder);

// Nobody but this user (and root) can put something into the folder or replace what is there:
// kPermissionDenied otherwise, kNotFound if it is missing. Others may read it.
[[nodiscard]] Result<void> checkOwnFolder(const std::string& folder);
// The same for a folder that is made, with mode 0700, if it is missing (with its parents).
[[nodiscard]] Result<void> ensureOwnFolder(const std::string& folder);

// Holds the folder for this object alone, by a lock on a file in it, until the result goes.
// kAlreadyExists if another process, or another object of this one, does: "the state folder … is in
// use by another host". `what` says which folder it is.
[[nodiscard]] Result<OpenFile> lockFolder(const std::string& folder, std::string_view what);
inline constexpr std::string_view kLockFile = "lock";

// What replaceFileDurably() leaves behind when the process dies in the middle ends so.
inline constexpr std::string_view kTemporarySuffix = ".tmp";

}  // namespace nimbus::host
