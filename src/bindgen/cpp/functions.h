#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bindgen/cpp/scope.h"
#include "bindgen/units.h"

namespace nimbus::bindgen::cpp {

// A function of a unit as C++ sees it.
struct CppFunction {
  struct Param {
    std::string name;
    std::string type;        // as a parameter
    std::string value_type;  // as a value
    bool borrowed = false;   // "R&"
    bool moved = false;      // worth a std::move
  };

  const wit::Function* wit = nullptr;
  std::string name;  // "listKeys"; a static function of resource r is "rName", constructors "newR"
  std::string wire_name;                    // "bucket.list-keys"
  std::string tag;                          // unique in the unit: "BucketListKeys"
  std::optional<wit::TypeIndex> method_of;  // a method of that resource's class, else of Handler
  std::vector<Param> params;                // without self
  std::string result;                       // what its Answer is of

  // "context" and the parameters, as declared.
  [[nodiscard]] std::vector<std::string> declaredParams() const;
};

[[nodiscard]] std::vector<CppFunction> functionsOf(const Unit& unit, const Scope& scope,
                                                   std::string_view name_space);

}  // namespace nimbus::bindgen::cpp
