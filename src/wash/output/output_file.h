#pragma once

#include <string>

#include "base/result.h"

namespace nimbus::wash {

// The file that a command is to write, or to replace: where a link leads, that is it. What it is to
// be must not be there as something else, and its folder must be there. kInvalidArgument (it is a
// folder, a device or a pipe, or empty), kNotFound (there is no such folder).
[[nodiscard]] Result<std::string> outputFile(const std::string& path);

}  // namespace nimbus::wash
