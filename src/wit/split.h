#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace nimbus::wit {

// A component whose core modules were taken out of it, their data apart from their code, and large
// ones in chunks, of which an edit changes few. Together they do what the component did.
struct SplitComponent {
  Bytes rest;               // imports the modules: the n-th of all as "nimbus-part-m<n>"
  std::vector<Bytes> data;  // the first: memories and what is in them, without functions
  std::vector<Bytes> code;
  Bytes layouts;  // where what is in chunks: for the next one, so that those that stay are the same
};

// Takes all modules out. Nothing if none has that much code, or one that has cannot be taken out.
// `layouts`: of the last one that was taken apart, or nothing. kInvalidArgument if it is not a
// component.
[[nodiscard]] Result<std::optional<SplitComponent>> splitModules(ByteView component,
                                                                 std::size_t min_code_bytes,
                                                                 const Bytes& layouts = {});

}  // namespace nimbus::wit
