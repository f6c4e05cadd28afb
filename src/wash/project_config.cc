#include "wash/project_config.h"

#include <fmt/format.h>

#include "base/text.h"
#include "host/files.h"
#include "host/yaml_reader.h"

namespace nimbus::wash {
namespace {

using host::YamlEntry;
using host::YamlNode;

constexpr std::size_t kMaxConfigBytes = 1024 * 1024;

std::unexpected<Error> failAt(const BuildConfig& config, std::uint32_t line, std::string what) {
  return fail(ErrorCode::kInvalidArgument, fmt::format("{}:{}: {}", config.file, line, what));
}

Result<std::string> readText(const BuildConfig& config, const YamlEntry& entry) {
  const YamlNode& value = entry.value;
  if (value.kind == YamlNode::Kind::kNull) return std::string();
  if (value.kind != YamlNode::Kind::kScalar) {
    return failAt(config, value.line,
                  fmt::format("build.{} must be text, not {}", entry.key, describeYaml(value)));
  }
  return value.text;
}

Result<void> readBuild(const YamlNode& build, BuildConfig& config) {
  for (const YamlEntry& entry : build.entries) {
    if (entry.key == "command") {
      TRY(config.command, readText(config, entry));
    } else if (entry.key == "component_path") {
      TRY(config.component_path, readText(config, entry));
    } else if (entry.key != "env") {
      const auto near = nearestKey(entry.key, {"command", "component_path", "env"});
      return failAt(config, entry.line,
                    fmt::format("unknown key \"{}\" in build{}", entry.key,
                                near ? fmt::format("; did you mean \"{}\"?", *near) : ""));
    }
  }
  return {};
}

Result<void> readDocument(const YamlNode& document, BuildConfig& config) {
  if (document.kind == YamlNode::Kind::kNull) return {};
  if (document.kind != YamlNode::Kind::kMap) {
    return failAt(config, document.line,
                  fmt::format("expected a map of sections, not {}", describeYaml(document)));
  }
  for (const YamlEntry& entry : document.entries) {
    if (entry.key != "build" || entry.value.kind == YamlNode::Kind::kNull) continue;
    if (entry.value.kind != YamlNode::Kind::kMap) {
      return failAt(config, entry.value.line,
                    fmt::format("build must be a map, not {}", describeYaml(entry.value)));
    }
    TRY_VOID(readBuild(entry.value, config));
  }
  return {};
}

}  // namespace

Result<BuildConfig> readBuildConfig(const std::string& folder) {
  for (const char* name : {"config.yaml", "config.yml", "config.json"}) {
    BuildConfig config;
    config.file = fmt::format("{}/.wash/{}", folder, name);
    const Result<std::string> text = host::readFile(config.file, kMaxConfigBytes);
    if (!text && text.error().code() == ErrorCode::kNotFound) continue;
    if (!text) return std::unexpected(text.error());
    TRY(const YamlNode document, host::parseYaml(*text, config.file));
    TRY_VOID(readDocument(document, config));
    return config;
  }
  return BuildConfig();
}

}  // namespace nimbus::wash
