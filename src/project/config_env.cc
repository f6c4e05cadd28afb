// Values that come as one text each: variables of the environment, and flags.

#include <algorithm>

#include <fmt/format.h>

#include "base/code_point.h"
#include "base/escape.h"
#include "base/text.h"
#include "project/config_layer.h"

namespace nimbus::project {
namespace {

constexpr std::string_view kPrefix = "WASH_";

// "dev.allowedHosts" -> "WASH_DEV_ALLOWED_HOSTS".
std::string variableName(std::string_view key) {
  std::string name(kPrefix);
  char before = '.';
  for (const char c : key) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper && before != '.' && before != '_') name += '_';
    name += c == '.' ? '_' : upper ? c : c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    before = c;
  }
  return name;
}

void addVariables(const Section& section, const std::string& path, std::vector<Variable>& into) {
  for (const Key& key : section.keys) {
    const std::string name =
        path.empty() ? std::string(key.name) : path + "." + std::string(key.name);
    switch (key.kind) {
      case KeyKind::kSection: addVariables(*key.section, name, into); break;
      case KeyKind::kSectionList:
      case KeyKind::kSectionMap:
      case KeyKind::kTextMaps: break;
      default: into.push_back({variableName(name), name, &key});
    }
  }
}

YamlNode listOf(std::string_view value) {
  YamlNode list = listNode();
  if (trim(value).empty()) return list;
  for (const std::string_view item : split(value, ',')) list.items.push_back(textNode(trim(item)));
  return list;
}

YamlNode mapOf(std::string_view value, ProblemList& problems) {
  YamlNode map = mapNode();
  if (trim(value).empty()) return map;
  for (const std::string_view item : split(value, ',')) {
    const auto parts = splitOnce(item, '=');
    if (!parts || trim(parts->first).empty()) {
      problems.report(0, fmt::format("expected NAME=VALUE pairs separated by commas, found {}",
                                     inQuotes(item)));
      continue;
    }
    std::string name(trim(parts->first));
    if (YamlNode* earlier = findEntry(map, name)) {
      *earlier = textNode(parts->second);
    } else {
      map.entries.push_back({std::move(name), 0, textNode(parts->second)});
    }
  }
  return map;
}

YamlNode valueOf(std::string_view value, const Key& key, ProblemList& problems) {
  switch (key.kind) {
    case KeyKind::kBoolean:
      if (value == "1") return plainNode("true");
      if (value == "0") return plainNode("false");
      return plainNode(lowerAscii(value));
    case KeyKind::kNumber: return plainNode(std::string(value));
    case KeyKind::kTextList: return listOf(value);
    case KeyKind::kTextMap: return mapOf(value, problems);
    default: return textNode(value);
  }
}

ConfigLayer layerOf(const Variable& variable, Origin origin, std::string_view value) {
  ProblemList problems(origin.describe());
  YamlNode node;
  if (firstInvalidUtf8(value)) {
    problems.report(0, fmt::format("{}: not UTF-8 text", variable.key));
  } else {
    node = valueOf(value, *variable.spec, problems);
    checkValue(node, *variable.spec, variable.key, problems);
  }
  ConfigLayer layer{.origin = std::move(origin), .values = mapNode(), .problems = problems.take()};
  for (ConfigProblem& problem : layer.problems) problem.line = 0;  // a text has no lines
  if (!layer.problems.empty()) return layer;

  const std::vector<std::string_view> names = split(variable.key, '.');
  for (std::size_t i = names.size(); i-- > 0;) {
    YamlNode map = mapNode();
    map.entries.push_back({std::string(names[i]), 0, std::move(node)});
    node = std::move(map);
  }
  layer.values = std::move(node);
  return layer;
}

const Variable* findVariable(std::string_view name) {
  const auto found = std::ranges::find(configVariables(), name, &Variable::name);
  return found == configVariables().end() ? nullptr : &*found;
}

// A name that begins like a section's variables and is none of them was probably meant to be one.
void warnOfNearName(const std::string& name, std::vector<ConfigProblem>& warnings) {
  std::vector<std::string_view> known;
  for (const Variable& variable : configVariables()) known.push_back(variable.name);
  for (const std::string_view candidate : known) {
    const std::size_t distance = editDistance(name, candidate);
    if (distance == 0 || distance > 2) continue;
    warnings.push_back({"$" + name, 0, fmt::format("sets nothing; did you mean {}?", candidate)});
    return;
  }
}

}  // namespace

const std::vector<Variable>& configVariables() {
  static const std::vector<Variable> variables = [] {
    std::vector<Variable> all;
    addVariables(sectionOf<ProjectConfig>(), "", all);
    return all;
  }();
  return variables;
}

std::vector<ConfigLayer> readEnvironment(
    const std::vector<std::pair<std::string, std::string>>& environment,
    std::vector<ConfigProblem>& warnings) {
  std::vector<ConfigLayer> layers;
  for (const auto& [name, value] : environment) {
    if (!name.starts_with(kPrefix) || name.size() > 256) continue;
    if (const Variable* variable = findVariable(name)) {
      layers.push_back(layerOf(*variable, {Origin::Kind::kEnvironment, name}, value));
    } else {
      warnOfNearName(name, warnings);
    }
  }
  return layers;
}

std::vector<ConfigLayer> readFlags(const std::vector<ConfigFlag>& flags) {
  std::vector<ConfigLayer> layers;
  for (const ConfigFlag& flag : flags) {
    const auto variable = std::ranges::find(configVariables(), flag.key, &Variable::key);
    if (variable == configVariables().end()) {
      ConfigLayer layer{
          .origin = {Origin::Kind::kFlag, flag.flag}, .values = mapNode(), .problems = {}};
      layer.problems.push_back({flag.flag, 0, fmt::format("there is no key {}", flag.key)});
      layers.push_back(std::move(layer));
      continue;
    }
    layers.push_back(layerOf(*variable, {Origin::Kind::kFlag, flag.flag}, flag.value));
  }
  return layers;
}

}  // namespace nimbus::project
