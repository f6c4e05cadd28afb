#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace nimbus::project {

// A folder that can be deleted as a whole.
struct CleanupTarget {
  std::string kind;  // "cache", "data"
  std::string path;
};

struct CleanupEntry {
  CleanupTarget target;
  bool existed = false;
  bool removed = false;
  std::optional<std::uint64_t> bytes;  // of its files; nothing if they could not all be counted
};

enum class Cleanup { kRemove, kOnlyCount };

// Counts and deletes folders with all they hold. Links are deleted, not followed. kIo,
// kPermissionDenied: what could not be deleted; the targets before it are gone.
[[nodiscard]] Result<std::vector<CleanupEntry>> cleanUp(const std::vector<CleanupTarget>& targets,
                                                        Cleanup mode);

// "512 B", "3.4 KiB", "12.0 MiB".
[[nodiscard]] std::string sizeText(std::uint64_t bytes);

}  // namespace nimbus::project
