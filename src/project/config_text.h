#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "host/manifest/yaml_reader.h"

namespace nimbus::project {

enum class ConfigFormat { kYaml, kJson, kToml };

// A note behind a value, by its key ("dev.address"); empty: none.
using Note = std::function<std::string(const std::string& key)>;

// Writes a map as a document of that format: it reads back as the same map. `note` is for YAML, as
// a comment behind each value.
[[nodiscard]] std::string writeConfig(const host::YamlNode& map, ConfigFormat format,
                                      const Note& note = {});

// A value as one line of JSON.
[[nodiscard]] std::string jsonOf(const host::YamlNode& value);

}  // namespace nimbus::project
