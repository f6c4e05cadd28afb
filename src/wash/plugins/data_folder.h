#pragma once

#include <string>

namespace nimbus::wash {

// Where plugins are kept: $XDG_DATA_HOME/wash/plugins, or ~/.local/share/wash/plugins; a folder in
// which nothing can be if there is neither.
[[nodiscard]] std::string pluginsFolder();

}  // namespace nimbus::wash
