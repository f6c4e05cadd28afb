#pragma once

#include <string>
#include <vector>

#include "host/manifest/yaml_reader.h"
#include "project/config.h"

// What can be known from the table of keys alone, and views on a configuration by it.
namespace nimbus::project {

// The reference page of all keys, in Markdown: docs/configuration.md.
[[nodiscard]] std::string configReference();

// The configuration with the default of every key that has one and was not given.
[[nodiscard]] host::YamlNode withDefaults(const LoadedConfig& loaded);

// With what is secret replaced by "***"; of URLs the password alone.
[[nodiscard]] host::YamlNode withoutSecrets(host::YamlNode values);

// What a new file says: the version, and how the component is built. With `example`, something of
// every section.
[[nodiscard]] host::YamlNode initialConfig(const std::string& version);
[[nodiscard]] host::YamlNode exampleConfig(const std::string& version);

}  // namespace nimbus::project
