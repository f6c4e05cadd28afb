#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "rust/tools.h"
#include "wit/tools.h"

namespace nimbus::wit {

// Memory of the caller's for the library; valid as long as `files` is.
[[nodiscard]] std::vector<NimbusWitFile> rawFiles(std::span<const WitFile> files);

// A list of files as the library gives it: for each the size of its path, its path, the size of
// its contents, the contents.
[[nodiscard]] Result<std::vector<GuestFile>> readSizedList(std::string_view list);

}  // namespace nimbus::wit
