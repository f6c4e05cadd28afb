#pragma once

#include <string>
#include <vector>

#include "wash/output/output.h"

namespace nimbus::wash {

// Version, commit, engine and compiler, each on its line.
[[nodiscard]] std::string versionText();
// The same as fields of `data`.
[[nodiscard]] std::vector<DataField> versionFields();

}  // namespace nimbus::wash
