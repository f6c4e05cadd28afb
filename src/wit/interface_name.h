#pragma once

#include <string>
#include <string_view>

namespace nimbus::wit {

// The name of an import or export in its parts: "wasi:http/handler@0.3.0" is interface
// "wasi:http/handler" of package "wasi:http", version "0.3.0". A plain name ("run") is its own
// interface and has neither package nor version.
struct InterfaceName {
  std::string interface;
  std::string package;
  std::string version;
};

[[nodiscard]] InterfaceName parseInterfaceName(std::string_view name);

// The range of versions that `version` is compatible with, such as "0.2" or "1"; or `version`
// itself if it is compatible with nothing else.
[[nodiscard]] std::string compatibleRange(std::string_view version);

// Whether `name` is `interface` in a version compatible with `version`, by the rule of Wasmtime's
// linker: the same major version, or with major 0 the same minor one; 0.0.x and pre-releases only
// exactly. `version` is a compatible range ("0.2", "1"), a full version ("0.2.3": its range), or
// empty: then `name` has no version either.
// `interfaceMatches("wasi:http/handler", "0.3", "wasi:http/handler@0.3.1")` is true.
[[nodiscard]] bool interfaceMatches(std::string_view interface, std::string_view version,
                                    std::string_view name);

}  // namespace nimbus::wit
