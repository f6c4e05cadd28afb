#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "wit/document.h"

namespace nimbus::wit {

// What codecs and generators of any language must know about a type and all that it consists of.
struct TypeFacts {
  std::size_t min_bytes = 0;  // of its encoding; a lower bound, at most 65536
  bool pending = false;       // there are streams or futures in it
  bool handles = false;       // there are resources in it
  bool borrows = false;       // some of them borrowed
  // What in it has no encoding at all: "map", "list of fixed length", …; empty: nothing.
  std::string_view unsupported;
};

// Facts of the types of one document, each worked out once.
class TypeFactBook {
 public:
  explicit TypeFactBook(const Document& document) : document_(document) {}

  const TypeFacts& of(const TypeRef& type);
  TypeFacts ofOptional(const std::optional<TypeRef>& type) {
    return type ? of(*type) : TypeFacts();
  }

 private:
  TypeFacts workOut(const TypeKind& kind);
  TypeFacts content(const std::optional<TypeRef>& element, std::string_view what);

  const Document& document_;
  std::unordered_map<std::size_t, TypeFacts> types_;
  TypeFacts primitive_;
};

}  // namespace nimbus::wit
