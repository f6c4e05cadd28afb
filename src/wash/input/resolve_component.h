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
//    key the one that a command of the configuration writes, or the only result in the usual places
//    (project/built_files.h). A component wins over core modules, from which it was made.
// `user_file` is the user's configuration; empty: the one in the user's folder.
// kNotFound says what to do next; kInvalidArgument if several files fit, or the file is not
// WebAssembly; kResourceExhausted above 256 MiB.
[[nodiscard]] Result<ResolvedComponent> resolveComponent(std::string_view argument,
                                                         const std::string& user_file);

}  // namespace nimbus::wash
