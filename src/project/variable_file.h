#pragma once

#include <string_view>

#include "base/result.h"
#include "project/settings.h"

namespace nimbus::project {

// Reads NAME=VALUE lines as `.env` files have them: blank lines and lines that begin with "#" are
// skipped, "export " before a name too. A value is in single quotes (as it is), in double quotes
// (with \n, \t, \r, \\, \", \$), or bare: up to " #" or the end of the line, without spaces at its
// ends. Nothing is expanded, and a value ends with its line. Errors are kInvalidArgument with file
// and line, and never show the line.
[[nodiscard]] Result<StringMap> parseVariableFile(std::string_view text, std::string_view file);

}  // namespace nimbus::project
