#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "oci/manifest.h"

namespace nimbus::wash {

// One KEY=VALUE of --annotation. kInvalidArgument without a key or "=".
[[nodiscard]] Result<oci::Annotations::value_type> parseAnnotation(std::string_view text);

// What hooks of plugins leave in `oci.annotations`: a JSON object of strings, or one KEY=VALUE per
// line. kInvalidArgument names what is wrong.
[[nodiscard]] Result<oci::Annotations> parseHookAnnotations(std::string_view text);

// The other way round, one KEY=VALUE per line; a value with a line break makes it a JSON object.
[[nodiscard]] std::string hookAnnotations(const oci::Annotations& annotations);

}  // namespace nimbus::wash
