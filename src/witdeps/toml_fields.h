#pragma once

#include <string_view>

#include "host/manifest/yaml_reader.h"

// Reading single values of what parseToml() gives.
namespace nimbus::witdeps {

// The value of a key of a map; nothing if there is none.
[[nodiscard]] inline const host::YamlNode* field(const host::YamlNode& map, std::string_view key) {
  if (map.kind != host::YamlNode::Kind::kMap) return nullptr;
  for (const host::YamlEntry& entry : map.entries) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

// The text of a key; empty if there is none.
[[nodiscard]] inline std::string_view textOf(const host::YamlNode& map, std::string_view key) {
  const host::YamlNode* value = field(map, key);
  return value != nullptr && value->kind == host::YamlNode::Kind::kScalar
             ? std::string_view(value->text)
             : std::string_view();
}

}  // namespace nimbus::witdeps
