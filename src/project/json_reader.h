#pragma once

#include <string_view>

#include "base/result.h"
#include "host/manifest/yaml_reader.h"

namespace nimbus::project {

// Reads a JSON document (RFC 8259) into the tree that parseYaml() gives, with the same limits.
// YAML's liberties are refused. Errors are kInvalidArgument, "<file>:<line>: <what>".
[[nodiscard]] Result<host::YamlNode> parseJson(std::string_view text, std::string_view file_name,
                                               const host::YamlLimits& limits = {});

}  // namespace nimbus::project
