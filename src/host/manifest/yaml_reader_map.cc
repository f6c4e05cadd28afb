#include "host/manifest/yaml_reader_map.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/escape.h"
#include "base/text.h"
#include "host/manifest/text_rules.h"

namespace nimbus::host {
namespace {

// Stands in for a value that is missing or not a map, so that reading goes on.
const YamlNode kEmptyNode{};

std::string rangeText(NumberRange range) {
  if (range.most == UINT64_MAX && range.least == 0) return "a whole number";
  if (range.most == UINT64_MAX) return fmt::format("a whole number of at least {}", range.least);
  return fmt::format("a whole number from {} to {}", range.least, range.most);
}

bool within(std::uint64_t value, NumberRange range) {
  return value >= range.least && value <= range.most;
}

}  // namespace

void YamlProblems::report(std::uint32_t line, std::string message) {
  if (line_ != 0 && line_ <= line) return;
  line_ = line;
  message_ = std::move(message);
}

Result<void> YamlProblems::result() const {
  if (!any()) return {};
  return fail(ErrorCode::kInvalidArgument, fmt::format("{}:{}: {}", file_name_, line_, message_));
}

YamlMap::YamlMap(YamlProblems& problems, const YamlNode& node, std::string path)
    : problems_(problems),
      node_(node.kind == YamlNode::Kind::kMap ? node : kEmptyNode),
      path_(std::move(path)) {
  if (node.kind == YamlNode::Kind::kMap) return;
  problems.report(
      node.line, fmt::format("{}: expected a map, found {}", path_.empty() ? "the document" : path_,
                             describeYaml(node)));
}

std::string YamlMap::pathOf(std::string_view key) const {
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

const YamlNode* YamlMap::lookUp(std::string_view key) {
  known_.push_back(key);
  for (const YamlEntry& entry : node_.entries)
    if (entry.key == key) return &entry.value;
  return nullptr;
}

bool YamlMap::has(std::string_view key) const {
  return std::ranges::any_of(node_.entries,
                             [key](const YamlEntry& entry) { return entry.key == key; });
}

const YamlNode* YamlMap::find(std::string_view key) {
  const YamlNode* value = lookUp(key);
  return value == nullptr || value->kind == YamlNode::Kind::kNull ? nullptr : value;
}

const YamlNode* YamlMap::require(std::string_view key) {
  const YamlNode* value = find(key);
  if (value == nullptr) lacks({key}, fmt::format("{} is missing", pathOf(key)));
  return value;
}

void YamlMap::lacks(std::vector<std::string_view> keys, std::string message) {
  // What is no map at all is reported as such.
  if (&node_ != &kEmptyNode) missing_.push_back({std::move(keys), std::move(message)});
}

void YamlMap::wrongType(const YamlNode& node, std::string_view key, std::string_view expected) {
  problems_.report(node.line, fmt::format("{}: expected {}, found {}", pathOf(key), expected,
                                          describeYaml(node)));
}

const YamlNode* YamlMap::scalar(std::string_view key, std::string_view expected, ScalarType type) {
  const YamlNode* node = lookUp(key);
  if (node == nullptr) return nullptr;
  if (node->kind == YamlNode::Kind::kScalar && scalarTypeOf(*node) == type) return node;
  wrongType(*node, key, expected);
  return nullptr;
}

std::optional<std::string> yamlText(YamlProblems& problems, const YamlNode& node,
                                    std::string_view path) {
  const bool scalar = node.kind == YamlNode::Kind::kScalar;
  if (scalar && scalarTypeOf(node) == ScalarType::kString) return node.text;
  problems.report(node.line, fmt::format("{}: expected a string, found {}{}", path,
                                         describeYaml(node), scalar ? "; put it in quotes" : ""));
  return std::nullopt;
}

std::optional<std::string> YamlMap::text(std::string_view key) {
  const YamlNode* node = lookUp(key);
  return node == nullptr ? std::nullopt : yamlText(problems_, *node, pathOf(key));
}

std::optional<std::uint64_t> YamlMap::number(std::string_view key, NumberRange range) {
  const YamlNode* node = scalar(key, rangeText(range), ScalarType::kNumber);
  if (node == nullptr) return std::nullopt;
  const auto value = parseWholeNumber(node->text);
  if (value && within(*value, range)) return value;
  wrongType(*node, key, rangeText(range));
  return std::nullopt;
}

std::optional<bool> YamlMap::boolean(std::string_view key) {
  const YamlNode* node = scalar(key, "true or false", ScalarType::kBoolean);
  if (node == nullptr) return std::nullopt;
  return node->text[0] == 't' || node->text[0] == 'T';
}

std::optional<std::uint64_t> YamlMap::durationMs(std::string_view key, NumberRange range) {
  const YamlNode* node = lookUp(key);
  const auto ms_key = std::ranges::find_if(node_.entries, [key](const YamlEntry& entry) {
    return entry.key.size() == key.size() + 2 && entry.key.starts_with(key) &&
           entry.key.ends_with("Ms");
  });
  if (ms_key != node_.entries.end()) {
    const auto milliseconds = number(ms_key->key, range);
    if (node == nullptr) return milliseconds;
    problems_.report(
        std::max(node->line, ms_key->line),
        fmt::format("{} and {} say the same; keep one", pathOf(key), pathOf(ms_key->key)));
    return std::nullopt;
  }
  if (node == nullptr) return std::nullopt;
  const bool is_text =
      node->kind == YamlNode::Kind::kScalar && scalarTypeOf(*node) == ScalarType::kString;
  return judged(*node, key, is_text ? parseDurationMs(node->text) : std::nullopt, range,
                {"a duration", "\"250ms\", \"10s\", \"5m\" or \"1h\"", formatDurationMs});
}

std::optional<std::uint64_t> YamlMap::byteQuantity(std::string_view key, NumberRange range) {
  const YamlNode* node = lookUp(key);
  if (node == nullptr) return std::nullopt;
  const bool scalar = node->kind == YamlNode::Kind::kScalar;
  return judged(*node, key, scalar ? parseByteQuantity(node->text) : std::nullopt, range,
                {"a number of bytes", "\"64Mi\", \"1Gi\" or 1000000", formatByteQuantity});
}

std::optional<std::uint64_t> YamlMap::judged(const YamlNode& node, std::string_view key,
                                             std::optional<std::uint64_t> value, NumberRange range,
                                             const Measure& measure) {
  if (value && within(*value, range)) return value;
  wrongType(node, key,
            value ? fmt::format("{} from {} to {}", measure.name, measure.format(range.least),
                                measure.format(range.most))
                  : fmt::format("{} such as {}", measure.name, measure.examples));
  return std::nullopt;
}

void YamlMap::eachText(
    std::string_view key,
    const std::function<void(const YamlNode& node, const std::string& text)>& each) {
  const YamlNode* list = find(key);
  if (list == nullptr) return;
  if (list->kind != YamlNode::Kind::kSequence) return wrongType(*list, key, "a list of strings");
  for (std::size_t i = 0; i < list->items.size(); ++i)
    if (const auto text =
            yamlText(problems_, list->items[i], fmt::format("{}[{}]", pathOf(key), i)))
      each(list->items[i], *text);
}

std::vector<std::string> YamlMap::texts(std::string_view key) {
  std::vector<std::string> all;
  eachText(key, [&all](const YamlNode&, const std::string& text) { all.push_back(text); });
  return all;
}

std::map<std::string, std::string> YamlMap::textMap(std::string_view key) {
  std::map<std::string, std::string> all;
  const YamlNode* node = find(key);
  if (node == nullptr) return all;
  if (node->kind != YamlNode::Kind::kMap) {
    wrongType(*node, key, "a map of strings");
    return all;
  }
  for (const YamlEntry& entry : node->entries)
    if (auto text = yamlText(problems_, entry.value,
                             fmt::format("{}[{}]", pathOf(key), inQuotes(entry.key))))
      all.emplace(entry.key, *std::move(text));
  return all;
}

std::optional<std::string> YamlMap::word(std::string_view key,
                                         std::vector<std::string_view> words) {
  auto value = text(key);
  if (!value || isOneOf(words, std::string_view(*value))) return value;
  problem(key, fmt::format("{}: expected {}, found {}", pathOf(key), fmt::join(words, " or "),
                           inQuotes(*value)));
  return std::nullopt;
}

std::optional<YamlMap> YamlMap::map(std::string_view key) {
  const YamlNode* node = find(key);
  if (node == nullptr) return std::nullopt;
  return YamlMap(problems_, *node, pathOf(key));
}

void YamlMap::eachMap(std::string_view key, std::size_t most,
                      const std::function<void(YamlMap)>& each) {
  const YamlNode* list = find(key);
  if (list == nullptr) return;
  if (list->kind != YamlNode::Kind::kSequence) return wrongType(*list, key, "a list");
  if (list->items.size() > most)
    problem(key, fmt::format("{} has more than {} entries", pathOf(key), most));
  for (std::size_t i = 0; i < std::min(most, list->items.size()); ++i)
    each(YamlMap(problems_, list->items[i], fmt::format("{}[{}]", pathOf(key), i)));
}

void YamlMap::problem(std::string_view key, std::string message) {
  std::uint32_t line = node_.line;
  for (const YamlEntry& entry : node_.entries)
    if (entry.key == key) line = entry.line;
  problems_.report(line, std::move(message));
}

std::optional<std::string_view> YamlMap::meantBy(std::string_view unknown) {
  for (auto missing = missing_.begin(); missing != missing_.end(); ++missing) {
    const auto meant = nearestKey(unknown, missing->keys);
    if (!meant) continue;
    missing_.erase(missing);
    return meant;
  }
  return nearestKey(unknown, known_);
}

void YamlMap::finish() {
  for (const YamlEntry& entry : node_.entries) {
    if (isOneOf(known_, std::string_view(entry.key))) continue;
    std::string message = fmt::format("unknown key {}", inQuotes(entry.key));
    if (!path_.empty()) message += fmt::format(" in {}", path_);
    if (const auto meant = meantBy(entry.key))
      message += fmt::format("; did you mean \"{}\"?", *meant);
    problems_.report(entry.line, std::move(message));
  }
  for (const Missing& missing : missing_) problem(missing.keys.front(), missing.message);
}

}  // namespace nimbus::host
