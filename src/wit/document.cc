#include "wit/document.h"

#include <fmt/format.h>

#include "base/text.h"

namespace nimbus::wit {

std::string_view primitiveName(Primitive primitive) {
  switch (primitive) {
    case Primitive::kBool: return "bool";
    case Primitive::kU8: return "u8";
    case Primitive::kU16: return "u16";
    case Primitive::kU32: return "u32";
    case Primitive::kU64: return "u64";
    case Primitive::kS8: return "s8";
    case Primitive::kS16: return "s16";
    case Primitive::kS32: return "s32";
    case Primitive::kS64: return "s64";
    case Primitive::kF32: return "f32";
    case Primitive::kF64: return "f64";
    case Primitive::kChar: return "char";
    case Primitive::kString: return "string";
    case Primitive::kErrorContext: break;
  }
  return "error-context";
}

TypeRef Document::resolve(TypeRef type) const {
  while (const auto* index = std::get_if<TypeIndex>(&type)) {
    const auto* alias = std::get_if<Alias>(&at(*index).kind);
    if (alias == nullptr) break;
    type = alias->target;
  }
  return type;
}

std::string Document::fullName(InterfaceIndex index) const {
  const Interface& interface = at(index);
  if (!interface.name || !interface.package) return {};
  return wit::fullName(packages[*interface.package], *interface.name);
}

std::optional<InterfaceIndex> Document::findInterface(std::string_view name) const {
  std::optional<InterfaceIndex> found;
  for (std::size_t i = 0; i < interfaces.size(); ++i) {
    const std::string full = fullName({i});
    if (full.empty()) continue;
    if (full == name) return InterfaceIndex{i};
    if (full.substr(0, full.find('@')) != name) continue;
    if (found) return std::nullopt;
    found = InterfaceIndex{i};
  }
  return found;
}

PackageName splitPackageName(std::string_view name) {
  PackageName parts;
  if (const auto versioned = splitOnce(name, '@')) {
    name = versioned->first;
    parts.version = versioned->second;
  }
  if (const auto spaced = splitOnce(name, ':')) {
    parts.space = spaced->first;
    name = spaced->second;
  }
  parts.name = name;
  return parts;
}

std::string fullName(const PackageName& package, std::string_view item) {
  std::string name = fmt::format("{}:{}/{}", package.space, package.name, item);
  return package.version.empty() ? name : name + "@" + package.version;
}

std::string fullName(const Package& package, std::string_view item) {
  return fullName(splitPackageName(package.name), item);
}

std::string wireName(const Function& function) {
  const std::size_t bracket = function.name.find(']');
  return bracket == std::string::npos ? function.name : function.name.substr(bracket + 1);
}

}  // namespace nimbus::wit
