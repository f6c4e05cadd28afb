#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace nimbus::wash {

// The binary that a COMPONENT argument stands for.
struct ResolvedComponent {
  Bytes bytes;       // begins like WebAssembly; a component or a core module
  std::string path;  // the file they came from
};

// Reads what `argument` names:
//  * a file: a binary, or WebAssembly text if its name ends with .wat;
//  * a folder of a project: the file at build.component_path of its .wash/config.yaml; without that
//    key the one that build.command writes, or the only result in the usual places: components in
//    target/wasm32-*/release, and *.wasm in build, dist and the folder itself. A component wins
//    over core modules, from which it was made.
// kNotFound says what to do next; kInvalidArgument if several files fit, or the file is not
// WebAssembly; kResourceExhausted above 256 MiB.
[[nodiscard]] Result<ResolvedComponent> resolveComponent(std::string_view argument);

}  // namespace nimbus::wash
