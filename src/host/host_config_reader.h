#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "host/host_config.h"
#include "host/manifest/yaml_reader_map.h"

// The parts of reading a host's configuration; internal to host_config*.cc.
namespace nimbus::host {

struct ConfigContext {
  std::string base_folder;  // where relative paths start
  HostConfig& config;
};

enum class Sockets { kAny, kTcpOnly };
[[nodiscard]] std::optional<net::Endpoint> readEndpoint(YamlMap& map, std::string_view key,
                                                        Sockets sockets);

[[nodiscard]] std::string resolve(ConfigContext& context, YamlMap& map, std::string_view key,
                                  const std::string& text);
void readPath(ConfigContext& context, YamlMap& map, std::string_view key, std::string& into);

// Of sizes that are given in MiB.
inline constexpr std::uint64_t kMiB = 1024 * 1024;
inline constexpr std::uint64_t kMaxMb = 16 * 1024 * 1024;  // 16 TiB

void readHttpLimits(http::ServerLimits& limits, YamlMap map);
void readHostLimits(HostConfig& config, YamlMap map);
void readDefaults(HostConfig& config, YamlMap map);
void readEngine(ConfigContext& context, YamlMap map);
void readKeyValue(ConfigContext& context, YamlMap map);
void readNats(ConfigContext& context, YamlMap map);

// What the map has under the key; else `into` keeps its value.
void takeBoolean(YamlMap& map, std::string_view key, bool& into);
void takeDuration(YamlMap& map, std::string_view key, Duration& into, std::uint64_t least_ms = 1);
template <typename Number>
void takeNumber(YamlMap& map, std::string_view key, NumberRange range, Number& into) {
  if (const auto number = map.number(key, range)) into = static_cast<Number>(*number);
}
// The key counts `unit` bytes.
void takeBytes(YamlMap& map, std::string_view key, std::uint64_t unit, NumberRange range,
               std::uint64_t& into);

}  // namespace nimbus::host
