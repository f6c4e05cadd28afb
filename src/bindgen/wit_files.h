#pragma once

#include <filesystem>
#include <vector>

#include "base/result.h"
#include "wit/document.h"
#include "wit/tools.h"

namespace nimbus::bindgen {

// The packages at that path: a `.wit` file, a folder of them with dependencies below `deps`, or a
// component or encoded package (`.wasm`). Errors name the file, and the line in it.
[[nodiscard]] Result<wit::Document> loadWit(const std::filesystem::path& path);

// The WIT text at that path, as wit::parseWit takes it; of a binary, its world as text.
[[nodiscard]] Result<std::vector<wit::WitFile>> readWitFiles(const std::filesystem::path& path);

}  // namespace nimbus::bindgen
