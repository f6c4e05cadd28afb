#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "project/toolbox.h"

namespace nimbus::project {

// A cargo that can build for WebAssembly, and what it must be told.
struct RustToolchain {
  std::string cargo;  // absolute
  std::string target;
  std::vector<std::string> arguments = {};
  std::vector<std::pair<std::string, std::string>> environment = {};
  std::string note = {};  // what the user should know of the target; or empty
};

// Looks at every folder of PATH that has cargo and rustc. First choice is `wanted`, where its
// standard library is installed; then the other targets by what programs can do there:
// wasm32-wasip2, wasm32-wasip1, wasm32-unknown-unknown. Where none is installed, a rustc that has
// the source of the standard library (Debian's rust-web-src, rustup's rust-src) builds it with the
// program. kNotFound says what to install.
[[nodiscard]] Result<RustToolchain> findRustToolchain(const Toolbox& tools,
                                                      std::string_view wanted);

}  // namespace nimbus::project
