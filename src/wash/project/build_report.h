#pragma once

#include <string>
#include <vector>

#include "project/build.h"
#include "wash/output/output.h"

namespace nimbus::wash {

// The result for a user: path, size, time and what the component exports; with `verbose` also what
// it imports.
[[nodiscard]] std::string buildText(const project::BuildOutcome& outcome, bool verbose);

// The `data` of `-o json`.
[[nodiscard]] std::vector<DataField> buildFields(const project::BuildOutcome& outcome,
                                                 const std::string& project_folder);

}  // namespace nimbus::wash
