#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/result.h"
#include "oci/digest.h"

// Keeping the folders of the cache within bounds; internal to cache.cc. Blocks. Other processes may
// do the same at the same time.
namespace nimbus::oci {

// Deletes the least recently used files of the folder until the rest is at most `max_bytes`; those
// named by `used` stay. Returns how many went.
[[nodiscard]] Result<std::size_t> trimBlobs(const std::string& folder, std::uint64_t max_bytes,
                                            std::span<const Digest> used);

// Deletes files that nobody has written to for three days.
[[nodiscard]] Result<void> deleteOldFiles(const std::string& folder);

}  // namespace nimbus::oci
