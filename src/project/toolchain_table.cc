#include "project/toolchain_table.h"

#include <fmt/format.h>

#include "base/check.h"
#include "host/manifest/yaml_reader_map.h"

namespace nimbus::project {

std::string_view toolchainsText();  // data/toolchains.yaml

namespace {

constexpr std::size_t kMaxTools = 100;

ToolVersion readVersion(host::YamlMap& map, std::string_view key) {
  const std::string text = map.text(key).value_or("");
  const auto version = ToolVersion::findIn(text);
  if (!version) map.problem(key, fmt::format("{} is no version", map.pathOf(key)));
  return version.value_or(ToolVersion{});
}

ToolEntry readTool(host::YamlMap map) {
  ToolEntry tool;
  tool.name = map.text("name").value_or("");
  tool.ask = map.texts("ask");
  tool.environment = map.textMap("environment");
  tool.least = readVersion(map, "least");
  tool.languages = map.texts("languages");
  tool.purpose = map.text("purpose").value_or("");
  tool.install = map.text("install").value_or("");
  if (tool.name.empty() || tool.ask.empty()) map.problem("name", "name and ask are needed");
  map.finish();
  return tool;
}

}  // namespace

std::optional<ToolchainTable::Pairing> ToolchainTable::tinygoFor(const ToolVersion& go) const {
  ToolVersion minor = go;
  minor.parts.resize(2);
  const auto after = tinygo_for_go.upper_bound(minor);
  if (after == tinygo_for_go.begin()) return std::nullopt;
  const auto entry = std::prev(after);
  return Pairing{entry->second, entry->first == minor};
}

Result<ToolchainTable> parseToolchains(std::string_view text, std::string_view file_name) {
  TRY(const host::YamlNode document, host::parseYaml(text, file_name));
  host::YamlProblems problems{std::string(file_name)};
  host::YamlMap map(problems, document, "");
  ToolchainTable table;
  map.eachMap("tools", kMaxTools,
              [&table](host::YamlMap tool) { table.tools.push_back(readTool(std::move(tool))); });
  table.oldest_wasi_clang = readVersion(map, "clang_wasi");
  for (const auto& [go, tinygo] : map.textMap("tinygo_for_go")) {
    const auto from = ToolVersion::findIn(go);
    const auto least = ToolVersion::findIn(tinygo);
    if (from && least) {
      table.tinygo_for_go[*from] = *least;
    } else {
      map.problem("tinygo_for_go", "versions have two numbers at least");
    }
  }
  map.finish();
  TRY_VOID(problems.result());
  return table;
}

const ToolchainTable& toolchains() {
  static const ToolchainTable table = [] {
    auto parsed = parseToolchains(toolchainsText(), "data/toolchains.yaml");
    NIMBUS_CHECK(parsed.has_value());
    return *std::move(parsed);
  }();
  return table;
}

}  // namespace nimbus::project
