#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace nimbus::wit {

// A component whose large core modules were taken out of it, without their data. Together they do
// what the component did. Of an edited script only data differs, so that the modules are the same.
struct SplitComponent {
  Bytes rest;  // imports the modules: the n-th as "nimbus-code-m<n>"
  std::vector<Bytes> modules;
};

// Takes out all modules with at least that much code. Nothing if there are none, or one of them
// cannot be taken out. kInvalidArgument if it is not a component.
[[nodiscard]] Result<std::optional<SplitComponent>> splitModules(ByteView component,
                                                                 std::size_t min_code_bytes);

}  // namespace nimbus::wit
