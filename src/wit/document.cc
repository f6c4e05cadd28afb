#include "wit/document.h"

#include "base/text.h"

namespace nimbus::wit {

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
  const PackageName package = splitPackageName(packages[*interface.package].name);
  std::string name = package.space + ":" + package.name + "/" + *interface.name;
  if (!package.version.empty()) name += "@" + package.version;
  return name;
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

std::string wireName(const Function& function) {
  const std::size_t bracket = function.name.find(']');
  return bracket == std::string::npos ? function.name : function.name.substr(bracket + 1);
}

}  // namespace nimbus::wit
