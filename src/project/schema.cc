#include "project/schema.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/escape.h"
#include "base/text.h"

namespace nimbus::project {
namespace {

using host::describeYaml;
using host::ScalarType;

std::string below(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
}

void wrongType(const YamlNode& value, const std::string& path, std::string_view expected,
               ProblemList& problems) {
  problems.report(value.line,
                  fmt::format("{}: expected {}, found {}", path.empty() ? "the document" : path,
                              expected, describeYaml(value)));
}

bool isScalar(const YamlNode& value, ScalarType type) {
  return value.kind == YamlNode::Kind::kScalar && scalarTypeOf(value) == type;
}

void checkText(const YamlNode& value, const std::string& path, ProblemList& problems) {
  if (isScalar(value, ScalarType::kString)) return;
  const bool scalar = value.kind == YamlNode::Kind::kScalar;
  problems.report(value.line, fmt::format("{}: expected a string, found {}{}", path,
                                          describeYaml(value), scalar ? "; put it in quotes" : ""));
}

void checkWord(const YamlNode& value, const Key& key, const std::string& path,
               ProblemList& problems) {
  if (key.any_scalar && value.kind == YamlNode::Kind::kScalar) return;
  if (!isScalar(value, ScalarType::kString)) return checkText(value, path, problems);
  if (key.words.empty() || isOneOf(key.words, value.text)) return;
  std::string message = fmt::format("{}: expected {}, found {}", path, fmt::join(key.words, " or "),
                                    inQuotes(value.text));
  if (const auto meant = nearestKey(value.text, key.words))
    message += fmt::format("; did you mean \"{}\"?", *meant);
  problems.report(value.line, std::move(message));
}

void checkNumber(const YamlNode& value, const Key& key, const std::string& path,
                 ProblemList& problems) {
  const auto number =
      isScalar(value, ScalarType::kNumber) ? parseWholeNumber(value.text) : std::nullopt;
  if (number && *number >= key.range.least && *number <= key.range.most) return;
  wrongType(value, path,
            key.range.most == UINT64_MAX
                ? fmt::format("a whole number of at least {}", key.range.least)
                : fmt::format("a whole number from {} to {}", key.range.least, key.range.most),
            problems);
}

void checkTextList(const YamlNode& value, const std::string& path, ProblemList& problems) {
  if (value.kind != YamlNode::Kind::kSequence)
    return wrongType(value, path, "a list of strings", problems);
  for (std::size_t i = 0; i < value.items.size(); ++i)
    checkText(value.items[i], fmt::format("{}[{}]", path, i), problems);
}

void checkTextMap(const YamlNode& value, const std::string& path, ProblemList& problems) {
  if (value.kind != YamlNode::Kind::kMap)
    return wrongType(value, path, "a map of strings", problems);
  for (const YamlEntry& entry : value.entries)
    if (entry.value.kind != YamlNode::Kind::kNull)
      checkText(entry.value, below(path, entry.key), problems);
}

template <typename Check>
void checkEachValue(const YamlNode& value, const std::string& path, ProblemList& problems,
                    const Check& check) {
  if (value.kind != YamlNode::Kind::kMap) return wrongType(value, path, "a map", problems);
  for (const YamlEntry& entry : value.entries)
    if (entry.value.kind != YamlNode::Kind::kNull) check(entry.value, below(path, entry.key));
}

void reportUnknown(const YamlEntry& entry, const Section& section, const std::string& path,
                   ProblemList& problems) {
  std::vector<std::string_view> names;
  for (const Key& key : section.keys) names.push_back(key.name);
  std::string message = fmt::format("unknown key {}", inQuotes(entry.key));
  if (!path.empty()) message += fmt::format(" in {}", path);
  if (const auto meant = nearestKey(entry.key, names))
    message += fmt::format("; did you mean \"{}\"?", *meant);
  problems.report(entry.line, std::move(message));
}

const YamlNode* findGiven(const YamlNode& map, const Key& key) {
  for (const YamlEntry& entry : map.entries)
    if (entry.key == key.name || isOneOf(key.aliases, entry.key))
      if (entry.value.kind != YamlNode::Kind::kNull) return &entry.value;
  return nullptr;
}

void reportMissing(const YamlNode& value, const Section& section, const std::string& path,
                   ProblemList& problems) {
  for (const Key& key : section.keys)
    if (key.required && findGiven(value, key) == nullptr)
      problems.report(value.line, fmt::format("{} is missing", below(path, key.name)));
}

void reportTwice(const YamlNode& value, const Key& key, const YamlEntry& entry,
                 const std::string& path, ProblemList& problems) {
  if (entry.key != key.name && findEntry(value, key.name) != nullptr)
    problems.report(entry.line, fmt::format("{} is the older name of {}; keep one",
                                            below(path, entry.key), below(path, key.name)));
}

void checkSectionList(const YamlNode& value, const Key& key, const std::string& path,
                      ProblemList& problems) {
  if (value.kind != YamlNode::Kind::kSequence)
    return wrongType(value, path, "a list of maps", problems);
  for (std::size_t i = 0; i < value.items.size(); ++i)
    checkSection(value.items[i], *key.section, fmt::format("{}[{}]", path, i), problems);
}

// YAML has more ways to write a boolean than the other formats, and numbers that those refuse.
void normaliseScalar(YamlNode& value, KeyKind kind) {
  if (value.kind != YamlNode::Kind::kScalar) return;
  if (kind == KeyKind::kText) value.quoted = true;
  if (kind == KeyKind::kBoolean) value.text = lowerAscii(value.text);
}

void normaliseValue(YamlNode& value, const Key& key) {
  normaliseScalar(value, key.kind);
  if (key.section == nullptr) return;
  if (key.kind == KeyKind::kSection) return normalise(value, *key.section);
  for (YamlNode& item : value.items) normalise(item, *key.section);
  for (YamlEntry& entry : value.entries) normalise(entry.value, *key.section);
}

void dropNulls(YamlNode& map) {
  std::erase_if(map.entries,
                [](const YamlEntry& entry) { return entry.value.kind == YamlNode::Kind::kNull; });
}

}  // namespace

const Key* Section::find(std::string_view name) const {
  for (const Key& key : keys)
    if (key.name == name || isOneOf(key.aliases, name)) return &key;
  return nullptr;
}

void checkValue(const YamlNode& value, const Key& key, const std::string& path,
                ProblemList& problems) {
  switch (key.kind) {
    case KeyKind::kText: return checkWord(value, key, path, problems);
    case KeyKind::kBoolean:
      if (!isScalar(value, ScalarType::kBoolean)) wrongType(value, path, "true or false", problems);
      return;
    case KeyKind::kNumber: return checkNumber(value, key, path, problems);
    case KeyKind::kTextList: return checkTextList(value, path, problems);
    case KeyKind::kTextMap: return checkTextMap(value, path, problems);
    case KeyKind::kTextMaps:
      return checkEachValue(value, path, problems, [&](const YamlNode& each, const auto& name) {
        checkTextMap(each, name, problems);
      });
    case KeyKind::kSection: return checkSection(value, *key.section, path, problems);
    case KeyKind::kSectionList: return checkSectionList(value, key, path, problems);
    case KeyKind::kSectionMap:
      return checkEachValue(value, path, problems, [&](const YamlNode& each, const auto& name) {
        checkSection(each, *key.section, name, problems);
      });
  }
}

void checkSection(const YamlNode& value, const Section& section, const std::string& path,
                  ProblemList& problems) {
  if (value.kind != YamlNode::Kind::kMap) return wrongType(value, path, "a map", problems);
  for (const YamlEntry& entry : value.entries) {
    const Key* key = section.find(entry.key);
    if (key == nullptr) {
      reportUnknown(entry, section, path, problems);
      continue;
    }
    reportTwice(value, *key, entry, path, problems);
    if (entry.value.kind != YamlNode::Kind::kNull)
      checkValue(entry.value, *key, below(path, entry.key), problems);
  }
  reportMissing(value, section, path, problems);
}

void normalise(YamlNode& value, const Section& section) {
  dropNulls(value);
  for (YamlEntry& entry : value.entries) {
    const Key* key = section.find(entry.key);
    if (key == nullptr) continue;
    entry.key = key->name;
    if (key->kind == KeyKind::kTextMap || key->kind == KeyKind::kTextMaps ||
        key->kind == KeyKind::kSectionMap) {
      dropNulls(entry.value);
    }
    normaliseValue(entry.value, *key);
  }
}

void storeSection(const YamlNode& value, const Section& section, void* owner) {
  for (const YamlEntry& entry : value.entries)
    if (const Key* key = section.find(entry.key)) key->store(owner, entry.value);
}

YamlNode loadSection(const Section& section, const void* owner) {
  YamlNode map = mapNode();
  for (const Key& key : section.keys)
    if (auto value = key.load(owner))
      map.entries.push_back({std::string(key.name), 1, *std::move(value)});
  return map;
}

YamlNode textNode(std::string_view text) {
  YamlNode node;
  node.kind = YamlNode::Kind::kScalar;
  node.quoted = true;
  node.text = text;
  return node;
}

YamlNode plainNode(std::string text) {
  YamlNode node;
  node.kind = YamlNode::Kind::kScalar;
  node.text = std::move(text);
  return node;
}

YamlNode mapNode() {
  YamlNode node;
  node.kind = YamlNode::Kind::kMap;
  return node;
}

YamlNode listNode() {
  YamlNode node;
  node.kind = YamlNode::Kind::kSequence;
  return node;
}

const YamlNode* findEntry(const YamlNode& map, std::string_view key) {
  for (const YamlEntry& entry : map.entries)
    if (entry.key == key) return &entry.value;
  return nullptr;
}

YamlNode* findEntry(YamlNode& map, std::string_view key) {
  return const_cast<YamlNode*>(findEntry(std::as_const(map), key));
}

}  // namespace nimbus::project
