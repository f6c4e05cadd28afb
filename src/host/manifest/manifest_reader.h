#pragma once

#include <string>
#include <string_view>

#include "host/manifest/manifest.h"
#include "host/manifest/yaml_reader_map.h"

// The parts of reading a manifest; internal to manifest*.cc.
namespace nimbus::host {

// What the readers of the parts share: where problems go and where relative files start.
struct ManifestContext {
  YamlProblems& problems;
  std::string base_folder;
  WorkloadSpec& spec;
};

// Under this key toJson() keeps what it cannot write back, so that a manifest that was read and
// written is refused for the same reasons as before.
inline constexpr std::string_view kUnsupportedKeysKey = "unsupportedKeys";

inline constexpr std::size_t kMaxComponents = 64;
inline constexpr std::size_t kMaxHostInterfaces = 64;
inline constexpr std::size_t kMaxVolumes = 64;
inline constexpr std::size_t kMaxRoutes = 256;

// components[], service: everything that has localResources.
void readComponents(ManifestContext& context, YamlMap& body);
void readService(ManifestContext& context, YamlMap& body);

// http.routes[] and the `host` and `host-aliases` of wasi:http interfaces. After the components
// and the interfaces have been read.
void readRoutes(ManifestContext& context, YamlMap& body);

// A DNS label under that key, required; empty if it is not there or not well formed.
[[nodiscard]] std::string readName(YamlMap& map, std::string_view key);

// The text of a file or folder key as an absolute, normal path.
[[nodiscard]] std::string resolvePath(ManifestContext& context, YamlMap& map, std::string_view key,
                                      const std::string& text);

// Notes a key that is understood but that no host honours, if the map has it.
void noteUnsupported(ManifestContext& context, YamlMap& map, std::string_view key);

}  // namespace nimbus::host
