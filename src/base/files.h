#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/unique_fd.h"

// Blocking file work, for threads that may wait for a disk.
namespace nimbus {

// kNotFound, kPermissionDenied or kIo with "cannot <what> <path>: <text of errno>".
[[nodiscard]] std::unexpected<Error> failFile(std::string_view what, const std::string& path,
                                              int error);

// The same path from the root on; a relative one starts at the current folder. kNotFound if that
// has been deleted.
[[nodiscard]] Result<std::string> absolutePath(const std::string& path);

// Identity and age of a file: while its stamp is equal its content has not been replaced, nor who
// may read it.
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

// The content of a regular file. kNotFound, kPermissionDenied, kResourceExhausted (larger than
// `max_bytes`), kInvalidArgument (not a regular file), kIo.
[[nodiscard]] Result<std::string> readFile(const std::string& path, std::size_t max_bytes);
// The same of one that has just been opened; `path` is for messages.
[[nodiscard]] Result<std::string> readFile(const UniqueFd& file, const std::string& path,
                                           std::size_t max_bytes);

// What comes until the other side closes: of a pipe, a terminal, a file. Waits for it.
// kResourceExhausted if it is more than `max_bytes`; `name` is for messages.
[[nodiscard]] Result<std::string> readToEnd(int descriptor, const std::string& name,
                                            std::size_t max_bytes);

// Writes all of it; `path` is for messages.
[[nodiscard]] Result<void> writeAll(const UniqueFd& file, const std::string& path, ByteView bytes);

// Puts a file in place at once: written under another name beside it, synced and renamed, so that
// nobody ever sees a part of it. `mode` is that of a new file.
[[nodiscard]] Result<void> replaceFile(const std::string& path, ByteView content, unsigned mode);

// Replaces `folder`/`name` so that after a crash at any moment the file holds the old or the new
// content: as above, and the folder synced. For one writer at a time. Mode 0600.
[[nodiscard]] Result<void> replaceFileDurably(const std::string& folder, const std::string& name,
                                              std::string_view content);
// What replaceFileDurably() leaves behind when the process dies in the middle ends so.
inline constexpr std::string_view kTemporarySuffix = ".tmp";

// Makes what was created, renamed and deleted in the folder survive a crash.
[[nodiscard]] Result<void> syncFolder(const std::string& folder);

// A folder that only its owner can look into: made with mode 0700 if it is missing (with its
// parents), refused with kPermissionDenied if it belongs to somebody else or is open to others.
[[nodiscard]] Result<void> ensurePrivateFolder(const std::string& folder);

// Nobody but this user (and root) can put something into the folder or replace what is there:
// kPermissionDenied otherwise, kNotFound if it is missing. Others may read it.
[[nodiscard]] Result<void> checkOwnFolder(const std::string& folder);
// The same for a folder that is made, with mode 0700, if it is missing (with its parents).
[[nodiscard]] Result<void> ensureOwnFolder(const std::string& folder);

}  // namespace nimbus
