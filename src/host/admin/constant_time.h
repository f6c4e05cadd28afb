#pragma once

#include <string_view>

namespace nimbus::host {

// Whether both secrets are equal, in a time that tells nothing about where they differ or how long
// the expected one is.
[[nodiscard]] bool equalInConstantTime(std::string_view a, std::string_view b);

}  // namespace nimbus::host
