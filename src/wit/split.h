#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace nimbus::wit {

// What is left imports a module under this and its number. Nothing else may: such components are
// not taken apart.
inline constexpr std::string_view kModuleImport = "nimbus-part-m";

// A component whose core modules were taken out of it, their data apart from their code, and large
// ones in chunks, of which an edit changes few. Together they do what the component did.
struct SplitComponent {
  Bytes rest;               // imports the modules: the n-th of all under `first` + n
  std::vector<Bytes> data;  // the first: memories and what is in them, without functions
  std::vector<Bytes> code;
  Bytes layouts;  // where what is in chunks: for the next one, so that those that stay are the same
};

struct SplitOptions {
  std::size_t min_code_bytes = 0;    // of its largest module: one with less stays as it is
  std::size_t large_code_bytes = 0;  // modules with as much, and an eighth of the code of the
                                     // largest, are cut into chunks
  std::uint32_t first = 0;           // what is left of several can be composed, if no two have a
                                     // number in common
  std::uint32_t which = 0;           // of several that may be alike but for their code: each has a
                                     // layout of its own
  friend bool operator==(const SplitOptions&, const SplitOptions&) = default;
};

// Takes all modules out. Nothing if none has enough code, or a large one cannot be taken out.
// `layouts`: of the last one that was taken apart, or nothing. kInvalidArgument if it is not a
// component.
[[nodiscard]] Result<std::optional<SplitComponent>> splitModules(ByteView component,
                                                                 const SplitOptions& options,
                                                                 const Bytes& layouts = {});

}  // namespace nimbus::wit
