#include "project/toolchain_table.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/check.h"
#include "base/text.h"
#include "host/yaml_reader_map.h"

namespace nimbus::project {

std::string_view toolchainsText();  // data/toolchains.yaml

namespace {

constexpr std::size_t kMaxTools = 100;
constexpr std::size_t kMaxParts = 4;

bool isDigit(char c) { return c >= '0' && c <= '9'; }

// Numbers joined by dots at the beginning of a text.
ToolVersion readParts(std::string_view text) {
  ToolVersion version;
  while (version.parts.size() < kMaxParts) {
    unsigned number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc()) break;
    version.parts.push_back(number);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (!text.starts_with('.')) break;
    text.remove_prefix(1);
  }
  return version;
}

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
  tool.least = readVersion(map, "least");
  tool.languages = map.texts("languages");
  tool.purpose = map.text("purpose").value_or("");
  tool.install = map.text("install").value_or("");
  if (tool.name.empty() || tool.ask.empty()) map.problem("name", "name and ask are needed");
  map.finish();
  return tool;
}

}  // namespace

std::optional<ToolVersion> ToolVersion::findIn(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!isDigit(text[i]) || (i > 0 && (isDigit(text[i - 1]) || text[i - 1] == '.'))) continue;
    ToolVersion version = readParts(text.substr(i));
    if (version.parts.size() >= 2) return version;
  }
  return std::nullopt;
}

std::string ToolVersion::text() const { return fmt::format("{}", fmt::join(parts, ".")); }

std::strong_ordering operator<=>(const ToolVersion& a, const ToolVersion& b) {
  for (std::size_t i = 0; i < std::max(a.parts.size(), b.parts.size()); ++i) {
    const unsigned left = i < a.parts.size() ? a.parts[i] : 0;
    const unsigned right = i < b.parts.size() ? b.parts[i] : 0;
    if (left != right) return left <=> right;
  }
  return std::strong_ordering::equal;
}

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
