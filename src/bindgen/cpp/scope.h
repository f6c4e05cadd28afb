#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bindgen/units.h"
#include "wit/document.h"
#include "wit/type_facts.h"

namespace nimbus::bindgen::cpp {

// Where everything stands in C++: the namespace and the header of each unit, and how types are
// written.
class Scope {
 public:
  Scope(const wit::Document& document, const std::vector<Unit>& units,
        std::string_view outer_namespace);

  struct Place {
    std::string name_space;  // "wasi::keyvalue::store"
    std::string path;        // "wasi/keyvalue/store", without ".h"
  };
  // Of the unit at that position in the list.
  [[nodiscard]] const Place& place(std::size_t unit) const { return places_[unit]; }

  // How a named type is called within its namespace, and from anywhere.
  [[nodiscard]] std::string localName(wit::TypeIndex type) const;
  [[nodiscard]] std::string fullName(wit::TypeIndex type) const;
  // The header in which it stands.
  [[nodiscard]] std::string pathOf(wit::TypeIndex type) const;

  // The type of a value, as written within namespace `inside`; with an empty one, from anywhere.
  [[nodiscard]] std::string value(const wit::TypeRef& type, std::string_view inside) const;
  // The same for what has no name, or behind its name.
  [[nodiscard]] std::string unnamed(const wit::TypeKind& kind, std::string_view inside) const;
  // Of a function's parameter.
  [[nodiscard]] std::string parameter(const wit::TypeRef& type, std::string_view inside) const;
  // What a function's Answer is of: "void" without a result.
  [[nodiscard]] std::string result(const std::optional<wit::TypeRef>& type,
                                   std::string_view inside) const;

  [[nodiscard]] const wit::Document& document() const { return document_; }

 private:
  struct Owner {
    bool world = false;
    std::size_t index = 0;
    friend auto operator<=>(const Owner&, const Owner&) = default;
  };
  [[nodiscard]] const Place* placeOf(wit::TypeIndex type) const;
  [[nodiscard]] std::string list(const wit::TypeRef& element, std::string_view inside) const;
  [[nodiscard]] std::string resultType(const wit::ResultType& type, std::string_view inside) const;
  [[nodiscard]] std::string optional(const std::optional<wit::TypeRef>& type,
                                     std::string_view inside) const;

  const wit::Document& document_;
  std::vector<Place> places_;
  std::vector<std::pair<Owner, std::size_t>> owners_;
};

}  // namespace nimbus::bindgen::cpp
