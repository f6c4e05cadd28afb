#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bindgen/generate.h"

namespace nimbus::bindgen {

// Whether components are written in this language with bindings from here: "c", "go".
[[nodiscard]] bool isGuestLanguage(std::string_view language);

// The bindings of a component for the world of the request, by wit-bindgen. For Go, the import path
// of the output folder follows from the nearest go.mod, unless the request gives it.
// kInvalidArgument if single interfaces or a C++ namespace are asked for.
[[nodiscard]] Result<std::vector<GeneratedFile>> generateGuestBindings(
    const GenerateRequest& request);

}  // namespace nimbus::bindgen
