#pragma once

#include <string>

namespace nimbus::wash {

// Version, commit, engine and compiler, each on its line.
[[nodiscard]] std::string versionText();

}  // namespace nimbus::wash
