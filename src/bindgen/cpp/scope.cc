#include "bindgen/cpp/scope.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "bindgen/cpp/names.h"

namespace nimbus::bindgen::cpp {

namespace {

std::string_view cppPrimitive(wit::Primitive primitive) {
  switch (primitive) {
    case wit::Primitive::kBool: return "bool";
    case wit::Primitive::kU8: return "std::uint8_t";
    case wit::Primitive::kU16: return "std::uint16_t";
    case wit::Primitive::kU32: return "std::uint32_t";
    case wit::Primitive::kU64: return "std::uint64_t";
    case wit::Primitive::kS8: return "std::int8_t";
    case wit::Primitive::kS16: return "std::int16_t";
    case wit::Primitive::kS32: return "std::int32_t";
    case wit::Primitive::kS64: return "std::int64_t";
    case wit::Primitive::kF32: return "float";
    case wit::Primitive::kF64: return "double";
    case wit::Primitive::kChar: return "char32_t";
    case wit::Primitive::kString: return "std::string";
    case wit::Primitive::kErrorContext: break;
  }
  return "void";  // refused before
}

// Packages that are there in several versions.
std::set<std::string> packagesInVersions(const std::vector<Unit>& units) {
  std::map<std::string, std::set<std::string>> versions;
  for (const Unit& unit : units)
    versions[unit.package.space + ":" + unit.package.name].insert(unit.package.version);
  std::set<std::string> several;
  for (const auto& [package, of] : versions) {
    if (of.size() > 1) several.insert(package);
  }
  return several;
}

}  // namespace

Scope::Scope(const wit::Document& document, const std::vector<Unit>& units,
             std::string_view outer_namespace)
    : document_(document) {
  const std::set<std::string> in_versions = packagesInVersions(units);
  NameSet paths;
  for (const Unit& unit : units) {
    std::string package = namespaceName(unit.package.name);
    if (in_versions.contains(unit.package.space + ":" + unit.package.name))
      package += "_" + versionName(unit.package.version);
    const std::string space = namespaceName(unit.package.space);
    std::string name = namespaceName(unit.name);
    if (unit.kind == Unit::Kind::kWorldExports) name += "_exports";
    const std::string path = paths.unique(fmt::format("{}/{}/{}", space, package, name));
    Place place{
        .name_space = fmt::format("{}::{}::{}", space, package, path.substr(path.rfind('/') + 1)),
        .path = path};
    if (!outer_namespace.empty())
      place.name_space = fmt::format("{}::{}", outer_namespace, place.name_space);
    if (unit.kind != Unit::Kind::kWorldExports) {
      const auto* world = std::get_if<wit::WorldIndex>(&unit.owner);
      const Owner owner{world != nullptr, world != nullptr
                                              ? world->value
                                              : std::get<wit::InterfaceIndex>(unit.owner).value};
      owners_.emplace_back(owner, places_.size());
    }
    places_.push_back(std::move(place));
  }
}

const Scope::Place* Scope::placeOf(wit::TypeIndex type) const {
  const auto& owner = document_.at(type).owner;
  Owner wanted;
  if (const auto* interface = std::get_if<wit::InterfaceIndex>(&owner)) {
    wanted = {false, interface->value};
  } else if (const auto* world = std::get_if<wit::WorldIndex>(&owner)) {
    wanted = {true, world->value};
  } else {
    return nullptr;
  }
  const auto found = std::ranges::find(owners_, wanted, &std::pair<Owner, std::size_t>::first);
  return found == owners_.end() ? nullptr : &places_[found->second];
}

std::string Scope::localName(wit::TypeIndex type) const {
  return typeName(document_.at(type).name.value_or(""));
}

std::string Scope::fullName(wit::TypeIndex type) const {
  const Place* const place = placeOf(type);
  return fmt::format("::{}::{}", place != nullptr ? place->name_space : "", localName(type));
}

std::string Scope::pathOf(wit::TypeIndex type) const {
  const Place* const place = placeOf(type);
  return place != nullptr ? place->path : std::string();
}

std::string Scope::value(const wit::TypeRef& type, std::string_view inside) const {
  if (const auto* primitive = std::get_if<wit::Primitive>(&type))
    return std::string(cppPrimitive(*primitive));
  const auto index = std::get<wit::TypeIndex>(type);
  const wit::Type& of = document_.at(index);
  if (!of.name) return unnamed(of.kind, inside);
  const Place* const place = placeOf(index);
  return place != nullptr && place->name_space == inside ? localName(index) : fullName(index);
}

std::string Scope::optional(const std::optional<wit::TypeRef>& type,
                            std::string_view inside) const {
  return type ? value(*type, inside) : "wrpc::Unit";
}

std::string Scope::list(const wit::TypeRef& element, std::string_view inside) const {
  const wit::TypeRef behind = document_.resolve(element);
  const auto* primitive = std::get_if<wit::Primitive>(&behind);
  if (primitive != nullptr && *primitive == wit::Primitive::kU8) return "::nimbus::Bytes";
  return fmt::format("std::vector<{}>", value(element, inside));
}

std::string Scope::resultType(const wit::ResultType& type, std::string_view inside) const {
  return fmt::format("std::expected<{}, {}>", type.ok ? value(*type.ok, inside) : "void",
                     optional(type.err, inside));
}

std::string Scope::unnamed(const wit::TypeKind& kind, std::string_view inside) const {
  if (const auto* list_of = std::get_if<wit::List>(&kind)) return list(list_of->element, inside);
  if (const auto* option = std::get_if<wit::Option>(&kind))
    return fmt::format("std::optional<{}>", value(option->some, inside));
  if (const auto* result_of = std::get_if<wit::ResultType>(&kind))
    return resultType(*result_of, inside);
  if (const auto* stream = std::get_if<wit::Stream>(&kind))
    return fmt::format("wrpc::StreamReader<{}>", optional(stream->element, inside));
  if (const auto* future = std::get_if<wit::Future>(&kind))
    return fmt::format("wrpc::FutureReader<{}>", optional(future->value, inside));
  if (const auto* handle = std::get_if<wit::Handle>(&kind))
    return fmt::format("wrpc::{}<{}>", handle->borrowed ? "Borrow" : "Own",
                       value(handle->resource, inside));
  if (const auto* tuple = std::get_if<wit::Tuple>(&kind)) {
    std::vector<std::string> types;
    for (const wit::TypeRef& type : tuple->types) types.push_back(value(type, inside));
    return fmt::format("std::tuple<{}>", fmt::join(types, ", "));
  }
  return value(std::get<wit::Alias>(kind).target, inside);
}

std::string Scope::parameter(const wit::TypeRef& type, std::string_view inside) const {
  const wit::TypeRef behind = document_.resolve(type);
  if (const auto* primitive = std::get_if<wit::Primitive>(&behind)) {
    if (*primitive == wit::Primitive::kString) return "std::string_view";
  } else if (const auto* handle =
                 std::get_if<wit::Handle>(&document_.at(std::get<wit::TypeIndex>(behind)).kind)) {
    if (handle->borrowed) return value(handle->resource, inside) + "&";
  }
  return value(type, inside);
}

std::string Scope::result(const std::optional<wit::TypeRef>& type, std::string_view inside) const {
  return type ? value(*type, inside) : "void";
}

}  // namespace nimbus::bindgen::cpp
