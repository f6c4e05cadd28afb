#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

// Trees of files that guests have made: deep ones, and names and links that are meant to mislead.
// Symbolic links are never followed, and few descriptors are open at a time, whatever the depth.
// Blocking.
namespace nimbus::host {

// What a file or folder counts beside its blocks: an entry and an inode are not for free.
inline constexpr std::uint64_t kEntryBytes = 1024;
// Folders in folders that are looked into.
inline constexpr unsigned kDeepestFolder = 128;

struct TreeUse {
  std::uint64_t bytes = 0;  // blocks on disk, as `du` counts them, and kEntryBytes for each entry
  bool too_deep = false;    // there is more below, which was not counted
};

// What lies below a folder, up to the first moment when it is more than `enough`. A file with
// several names counts once. What disappears meanwhile is left out; other errors of the system are
// those of the result.
[[nodiscard]] Result<TreeUse> useOf(const std::string& folder, std::uint64_t enough);

// A file that is open in this process but has no name any more: its space is free only once it is
// closed.
struct UnnamedFile {
  // The real one that it had, and " (deleted)". Of one that is longer than the system tells
  // (PATH_MAX), only the volume's folder and "/".
  std::string path;
  std::uint64_t bytes = 0;
};
// The volumes, by their folders, of the guest that opened the file with that descriptor.
using VolumesOfFile = std::vector<std::string> (*)(int descriptor);
// One whose path is too long is there once for each volume of its guest: in one of them it is.
[[nodiscard]] std::vector<UnnamedFile> unnamedFiles(VolumesOfFile volumes_of);

// Deletes the folder and all below it. Nobody else may write there any more.
[[nodiscard]] Result<void> removeTree(const std::string& folder);

}  // namespace nimbus::host
