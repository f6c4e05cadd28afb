#pragma once

#include <filesystem>
#include <string_view>

#include "base/result.h"

namespace nimbus::bindgen {

// Puts a file in place at once, and its folder if there is none. After an error, such as a full
// disk, what was there is as it was, and nothing is left beside it. Not synced: for what can be
// made again. Error: kIo.
[[nodiscard]] Result<void> writeWholeFile(const std::filesystem::path& path,
                                          std::string_view content);

}  // namespace nimbus::bindgen
