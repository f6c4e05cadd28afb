#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace nimbus::project {

// Whether anything is at that path; no error matters.
[[nodiscard]] bool isThere(const std::filesystem::path& path);

// Whether the file begins like WebAssembly, module or component.
[[nodiscard]] bool isWasmFile(const std::filesystem::path& path);

// Linked WebAssembly below a folder, in the order of the names: every file that begins like it,
// apart from objects and archives. `depth` 0 is the folder itself; links are not followed, and at
// most 100000 entries looked at.
[[nodiscard]] std::vector<std::filesystem::path> findWasmFiles(const std::filesystem::path& folder,
                                                               int depth);

// The only one. kNotFound for none, kInvalidArgument for several, which are named.
[[nodiscard]] Result<std::filesystem::path> onlyResult(
    const std::vector<std::filesystem::path>& files, std::string_view made_by);

}  // namespace nimbus::project
