#pragma once

#include <string>

#include "base/result.h"

namespace nimbus::wash {

// Where plugins are kept: $XDG_DATA_HOME/wash/plugins, or ~/.local/share/wash/plugins; a folder in
// which nothing can be if there is neither.
[[nodiscard]] std::string pluginsFolder();

// kNotFound if there is neither, for what is to keep something there.
[[nodiscard]] Result<void> checkDataFolder();

}  // namespace nimbus::wash
