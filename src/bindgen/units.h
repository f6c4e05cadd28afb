#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "wit/document.h"

namespace nimbus::bindgen {

// Something that bindings are made of as a whole: an interface; a world's own types and imported
// functions; a world's exported functions.
struct Unit {
  enum class Kind { kInterface, kWorldImports, kWorldExports };
  Kind kind = Kind::kInterface;
  std::variant<wit::InterfaceIndex, wit::WorldIndex> owner;  // of its types
  wit::PackageName package;
  std::string name;      // of the interface or the world
  std::string instance;  // on the wire; empty for the functions of a world
  std::string docs;
  std::vector<wit::TypeIndex> types;  // each after those it consists of
  std::vector<const wit::Function*> functions;
};

// What bindings are asked for. Names as Document::findInterface takes them; a world by its name in
// the main package. Nothing at all means the document's main world, or without one all interfaces
// of the main package.
struct Selection {
  std::string world;
  std::vector<std::string> interfaces;
};

// The units of the selection and those whose types they use, sorted so that each stands after the
// ones it uses. kInvalidArgument if a name is not there. kUnsupported names a type that has no
// encoding. The units refer to the document.
[[nodiscard]] Result<std::vector<Unit>> selectUnits(const wit::Document& document,
                                                    const Selection& selection);

}  // namespace nimbus::bindgen
