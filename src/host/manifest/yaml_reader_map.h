#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "host/manifest/yaml_reader.h"

namespace nimbus::host {

// Collects what is wrong with a document and keeps the problem that stands first in the text.
class YamlProblems {
 public:
  explicit YamlProblems(std::string file_name) : file_name_(std::move(file_name)) {}

  void report(std::uint32_t line, std::string message);
  [[nodiscard]] bool any() const { return line_ != 0; }
  // kInvalidArgument with "<file>:<line>: <message>", or nothing.
  [[nodiscard]] Result<void> result() const;

 private:
  std::string file_name_;
  std::uint32_t line_ = 0;
  std::string message_;
};

// A whole number's bounds, both allowed.
struct NumberRange {
  std::uint64_t least = 0;
  std::uint64_t most = UINT64_MAX;
};

// Reads one map of a document by the keys its schema knows: each getter marks its key as known,
// and finish() reports the keys nobody asked for. A value of the wrong type is reported and reads
// as absent, so a reader goes through the whole schema without checking each step.
//
//   YamlMap map(problems, node, "components[0]");
//   spec.name = map.text("name").value_or("");
//   spec.pool_size = map.number("poolSize", {0, 1000}).value_or(0);
//   map.finish();
class YamlMap {
 public:
  // `path` names the map in messages; empty for the whole document.
  YamlMap(YamlProblems& problems, const YamlNode& node, std::string path);

  [[nodiscard]] std::uint32_t line() const { return node_.line; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string pathOf(std::string_view key) const;

  // Whether the key is there, with whatever value.
  [[nodiscard]] bool has(std::string_view key) const;
  // The value of a key, if it is there and not null. Marks the key as known.
  [[nodiscard]] const YamlNode* find(std::string_view key);
  // The same; its absence is a problem, which finish() reports unless a misspelt key explains it.
  const YamlNode* require(std::string_view key);
  // None of these keys is there, and one must be.
  void lacks(std::vector<std::string_view> keys, std::string message);

  [[nodiscard]] std::optional<std::string> text(std::string_view key);
  [[nodiscard]] std::optional<std::uint64_t> number(std::string_view key, NumberRange range);
  [[nodiscard]] std::optional<bool> boolean(std::string_view key);
  // The key with a text such as "250ms" or "10s", or the key followed by "Ms" with a whole number.
  [[nodiscard]] std::optional<std::uint64_t> durationMs(std::string_view key, NumberRange range);
  // A text such as "64Mi", or a whole number.
  [[nodiscard]] std::optional<std::uint64_t> byteQuantity(std::string_view key, NumberRange range);
  [[nodiscard]] std::vector<std::string> texts(std::string_view key);
  [[nodiscard]] std::map<std::string, std::string> textMap(std::string_view key);
  // One of a fixed set of words.
  [[nodiscard]] std::optional<std::string> word(std::string_view key,
                                                std::vector<std::string_view> words);

  [[nodiscard]] std::optional<YamlMap> map(std::string_view key);
  // Calls `each` for every map of a list, with its own path ("routes[2]"); at most `most`.
  void eachMap(std::string_view key, std::size_t most, const std::function<void(YamlMap)>& each);
  void eachText(std::string_view key,
                const std::function<void(const YamlNode& node, const std::string& text)>& each);

  // Reports at the line of that key, or of the map if the key is absent.
  void problem(std::string_view key, std::string message);

  // Reports unknown keys with the nearest known one, and required ones that are not there.
  void finish();

 private:
  const YamlNode* lookUp(std::string_view key);
  const YamlNode* scalar(std::string_view key, std::string_view expected, ScalarType type);
  struct Missing {
    std::vector<std::string_view> keys;
    std::string message;
  };
  // The known key that an unknown one stands for. What it explains is missing no more.
  [[nodiscard]] std::optional<std::string_view> meantBy(std::string_view unknown);
  void wrongType(const YamlNode& node, std::string_view key, std::string_view expected);
  // What a text measures, if it is of that measure (a value) and in the range; else reports it.
  struct Measure {
    std::string_view name;
    std::string_view examples;
    std::string (*format)(std::uint64_t value);
  };
  [[nodiscard]] std::optional<std::uint64_t> judged(const YamlNode& node, std::string_view key,
                                                    std::optional<std::uint64_t> value,
                                                    NumberRange range, const Measure& measure);

  YamlProblems& problems_;
  const YamlNode& node_;
  std::string path_;
  std::vector<std::string_view> known_;
  std::vector<Missing> missing_;
};

// A string value: quoted, or not to be mistaken for a number or a boolean. Problems are reported.
[[nodiscard]] std::optional<std::string> yamlText(YamlProblems& problems, const YamlNode& node,
                                                  std::string_view path);

}  // namespace nimbus::host
