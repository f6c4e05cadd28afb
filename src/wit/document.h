#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace nimbus::wit {

// A resolved set of WIT packages, as docs/formats/wit-json.md describes it: everything refers to
// everything else by its index into the lists of the Document.

enum class Primitive {
  kBool,
  kU8,
  kU16,
  kU32,
  kU64,
  kS8,
  kS16,
  kS32,
  kS64,
  kF32,
  kF64,
  kChar,
  kString,
  kErrorContext,
};

// As WIT writes it: "u8", "error-context".
[[nodiscard]] std::string_view primitiveName(Primitive primitive);

struct TypeIndex {
  std::size_t value = 0;
  friend bool operator==(const TypeIndex&, const TypeIndex&) = default;
};
struct InterfaceIndex {
  std::size_t value = 0;
  friend bool operator==(const InterfaceIndex&, const InterfaceIndex&) = default;
};
struct WorldIndex {
  std::size_t value = 0;
  friend bool operator==(const WorldIndex&, const WorldIndex&) = default;
};

// What a type is made of: one that WIT has, or one of the document's.
using TypeRef = std::variant<Primitive, TypeIndex>;

struct Field {
  std::string name;
  TypeRef type;
  std::string docs;
};
struct Case {
  std::string name;
  std::optional<TypeRef> type;
  std::string docs;
};
struct Label {
  std::string name;
  std::string docs;
};

struct Record {
  std::vector<Field> fields;
};
struct Variant {
  std::vector<Case> cases;
};
struct Enum {
  std::vector<Label> cases;
};
struct Flags {
  std::vector<Label> labels;
};
struct Tuple {
  std::vector<TypeRef> types;
};
struct List {
  TypeRef element;
};
struct FixedLengthList {
  TypeRef element;
  std::uint32_t length = 0;
};
struct Map {
  TypeRef key;
  TypeRef value;
};
struct Option {
  TypeRef some;
};
struct ResultType {
  std::optional<TypeRef> ok;
  std::optional<TypeRef> err;
};
struct Stream {
  std::optional<TypeRef> element;
};
struct Future {
  std::optional<TypeRef> value;
};
// own<resource> or borrow<resource>.
struct Handle {
  bool borrowed = false;
  TypeIndex resource;
};
struct ResourceType {};
// Another name for a type.
struct Alias {
  TypeRef target;
};

using TypeKind = std::variant<Record, Variant, Enum, Flags, Tuple, List, FixedLengthList, Map,
                              Option, ResultType, Stream, Future, Handle, ResourceType, Alias>;

struct Type {
  std::optional<std::string> name;  // none: written in place
  TypeKind kind;
  std::variant<std::monostate, InterfaceIndex, WorldIndex> owner;
  std::string docs;
};

enum class FunctionKind { kFreestanding, kMethod, kStatic, kConstructor };

struct Function {
  std::string name;  // "get", "[method]bucket.get", "[constructor]bucket"
  FunctionKind kind = FunctionKind::kFreestanding;
  std::optional<TypeIndex> resource;  // of those that belong to one
  bool async = false;
  std::vector<Field> params;  // a method's first one is `self`
  std::optional<TypeRef> result;
  std::string docs;
};

struct Interface {
  std::optional<std::string> name;  // none: written within a world
  std::vector<std::pair<std::string, TypeIndex>> types;
  std::vector<Function> functions;
  std::optional<std::size_t> package;
  std::string docs;
};

struct WorldItem {
  std::string key;  // the item's plain name; without a meaning for interfaces that have their own
  std::variant<InterfaceIndex, Function, TypeIndex> item;
};

struct World {
  std::string name;
  std::vector<WorldItem> imports;
  std::vector<WorldItem> exports;
  std::size_t package = 0;
  std::string docs;
};

struct Package {
  std::string name;  // "wasi:http@0.2.10"
  std::vector<std::pair<std::string, InterfaceIndex>> interfaces;
  std::vector<std::pair<std::string, WorldIndex>> worlds;
  std::string docs;
};

struct Document {
  std::vector<World> worlds;
  std::vector<Interface> interfaces;
  std::vector<Type> types;  // after those they consist of
  std::vector<Package> packages;
  std::size_t main_package = 0;
  std::optional<WorldIndex> main_world;

  [[nodiscard]] const Type& at(TypeIndex index) const { return types[index.value]; }
  [[nodiscard]] const Interface& at(InterfaceIndex index) const { return interfaces[index.value]; }
  [[nodiscard]] const World& at(WorldIndex index) const { return worlds[index.value]; }

  // The type behind all its other names.
  [[nodiscard]] TypeRef resolve(TypeRef type) const;
  // "wasi:keyvalue/store@0.2.0-draft"; empty for an interface without a name or package.
  [[nodiscard]] std::string fullName(InterfaceIndex index) const;
  // By that name, or without the version if only one version is there.
  [[nodiscard]] std::optional<InterfaceIndex> findInterface(std::string_view name) const;
};

// The parts of a package's name: "wasi:keyvalue@0.2.0-draft".
struct PackageName {
  std::string space;
  std::string name;
  std::string version;
};
[[nodiscard]] PackageName splitPackageName(std::string_view name);
// "wasi:http/proxy@0.2.3" of what the package "wasi:http@0.2.3" has as "proxy".
[[nodiscard]] std::string fullName(const Package& package, std::string_view item);
[[nodiscard]] std::string fullName(const PackageName& package, std::string_view item);

// How a function is called on the wire: "get", "bucket.get", for a constructor "bucket".
[[nodiscard]] std::string wireName(const Function& function);

// Reads what worldJson() and parseWit() of tools.h give; kInternal if it is not of that form. All
// indices lie within the lists, types refer only to types before them, except by handles, and nest
// at most kMaxTypeDepth deep.
inline constexpr std::size_t kMaxTypeDepth = 200;
[[nodiscard]] Result<Document> readDocument(std::string_view json);

}  // namespace nimbus::wit
