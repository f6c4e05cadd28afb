#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace nimbus::host {

struct YamlEntry;

// One value of a YAML document with the line where it begins, counted from 1.
struct YamlNode {
  enum class Kind { kNull, kScalar, kSequence, kMap };

  Kind kind = Kind::kNull;
  bool quoted = false;  // a scalar that is a string whatever it looks like
  std::uint32_t line = 1;
  std::string text;                // of a scalar
  std::vector<YamlNode> items;     // of a sequence
  std::vector<YamlEntry> entries;  // of a map, in the order of the text, keys unique
};

struct YamlEntry {
  std::string key;
  std::uint32_t line = 1;
  YamlNode value;
};

// Bounds of one document. They also bound memory: a node costs a few hundred bytes.
struct YamlLimits {
  std::size_t max_bytes = 1024 * 1024;
  std::size_t max_depth = 64;
  std::size_t max_nodes = 64 * 1024;
};

// Reads exactly one YAML document; JSON is read as the subset of YAML that it is. Refused:
// anchors and aliases (a short text that grows without bound), tags, directives' documents beyond
// the first, duplicate keys, keys that are not text or have a keyProblem(), text that is not
// UTF-8. Errors are
// kInvalidArgument, "<file>:<line>: <what>".
[[nodiscard]] Result<YamlNode> parseYaml(std::string_view text, std::string_view file_name,
                                         const YamlLimits& limits = {});

// Why a map with this key would not be read again as JSON; empty: it would. Keys have at most 500
// bytes and no control characters.
[[nodiscard]] std::string keyProblem(std::string_view key);

// What kind of value a node is, for messages: "a list", "the number 8", "the string \"x\"".
[[nodiscard]] std::string describeYaml(const YamlNode& node);

// How an unquoted scalar reads by YAML's core schema.
enum class ScalarType { kString, kNumber, kBoolean };
[[nodiscard]] ScalarType scalarTypeOf(const YamlNode& node);

}  // namespace nimbus::host
