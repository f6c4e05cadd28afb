#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "wit/packages.h"

namespace nimbus::witdeps {

// An interface as a world imports it: "wasi:http/types@0.2.3".
struct ImportRef {
  wit::PackageRef package;
  std::string interface;  // may be empty: all of the package

  // kInvalidArgument: of another form.
  [[nodiscard]] static Result<ImportRef> parse(std::string_view text);
  [[nodiscard]] std::string text() const;
};

// The text of a .wit file with one more import in that world; an empty `world` means the only one.
// What is there already is not added again. kNotFound: there is no such world, or none;
// kInvalidArgument: there are several.
[[nodiscard]] Result<std::string> addImport(std::string_view text, std::string_view world,
                                            const ImportRef& import);

// Without what its worlds import of the package: of any version, if `import` has none, and all
// interfaces, if it names none.
[[nodiscard]] std::string removeImports(std::string_view text, const ImportRef& import);

}  // namespace nimbus::witdeps
