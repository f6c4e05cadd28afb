#include "wit/input_streams.h"

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "wit/interface_name.h"

namespace nimbus::wit {

bool isInputStream(const Document& document, TypeIndex type) {
  const TypeRef behind = document.resolve(type);
  const auto* index = std::get_if<TypeIndex>(&behind);
  if (index == nullptr) return false;
  const Type& found = document.at(*index);
  if (!std::holds_alternative<ResourceType>(found.kind) || found.name != "input-stream")
    return false;
  const auto* owner = std::get_if<InterfaceIndex>(&found.owner);
  return owner != nullptr && interfaceMatches("wasi:io/streams", "0.2", document.fullName(*owner));
}

void mapInputStreams(Document& document) {
  const auto is_other_name = [&](TypeIndex type) {
    return std::holds_alternative<Alias>(document.at(type).kind) && isInputStream(document, type);
  };
  for (Interface& interface : document.interfaces) {
    std::erase_if(interface.types, [&](const auto& type) { return is_other_name(type.second); });
  }
  const auto is_item = [&](const WorldItem& item) {
    const auto* type = std::get_if<TypeIndex>(&item.item);
    return type != nullptr && is_other_name(*type);
  };
  for (World& world : document.worlds) {
    std::erase_if(world.imports, is_item);
    std::erase_if(world.exports, is_item);
  }
  for (Type& type : document.types) {
    const auto* handle = std::get_if<Handle>(&type.kind);
    if (handle == nullptr || handle->borrowed || !isInputStream(document, handle->resource)) {
      continue;
    }
    type.kind = Stream{Primitive::kU8};
  }
}

}  // namespace nimbus::wit
