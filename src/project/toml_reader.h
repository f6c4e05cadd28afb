#pragma once

#include <string_view>

#include "base/result.h"
#include "host/manifest/yaml_reader.h"

namespace nimbus::project {

// Reads a TOML 1.0 document into the same tree as parseYaml() gives, with the same limits. Dates
// and times become texts. Errors are kInvalidArgument, "<file>:<line>: <what>".
[[nodiscard]] Result<host::YamlNode> parseToml(std::string_view text, std::string_view file_name,
                                               const host::YamlLimits& limits = {});

}  // namespace nimbus::project
