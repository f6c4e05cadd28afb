#include "project/config_text.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/escape.h"
#include "host/manifest/text_rules.h"

namespace nimbus::project {
namespace {

using host::ScalarType;
using host::YamlEntry;
using host::YamlNode;

std::string quoted(std::string_view text) {
  std::string out;
  appendJsonString(out, text);
  return out;
}

bool isPlain(const YamlNode& scalar) { return host::scalarTypeOf(scalar) != ScalarType::kString; }

bool isWord(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
}

// Words that some reader of YAML takes for something else than a text.
bool isSpecialWord(std::string_view text) {
  for (const std::string_view word : {"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
    if (std::ranges::equal(text, word, {}, [](char c) { return c | 0x20; })) return true;
  return text.starts_with('-') || host::looksLikeNumber(text);
}

std::string yamlKey(std::string_view key) {
  return isWord(key) && !isSpecialWord(key) ? std::string(key) : quoted(key);
}

// A text of letters, digits and a few signs that nothing in YAML gives another meaning.
bool needsNoQuotes(std::string_view text) {
  const auto safe = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_-./+ ").contains(c);
  };
  return !text.empty() && std::ranges::all_of(text, safe) && !isSpecialWord(text) &&
         text.front() != ' ' && text.back() != ' ' && text.front() != '.' && text.front() != '+';
}

std::string yamlScalar(const YamlNode& scalar) {
  if (isPlain(scalar) || needsNoQuotes(scalar.text)) return scalar.text;
  return quoted(scalar.text);
}

class YamlWriter {
 public:
  explicit YamlWriter(const Note& note) : note_(note) {}

  [[nodiscard]] std::string take() { return std::move(out_); }

  void map(const YamlNode& node, std::size_t indent, const std::string& path, bool in_list) {
    bool first = in_list;
    for (const YamlEntry& entry : node.entries) {
      if (!first) out_ += std::string(indent, ' ');
      first = false;
      out_ += yamlKey(entry.key) + ":";
      value(entry.value, indent, path.empty() ? entry.key : path + "." + entry.key);
    }
  }

 private:
  void value(const YamlNode& node, std::size_t indent, const std::string& path) {
    if (node.kind == YamlNode::Kind::kMap && !node.entries.empty()) {
      out_ += '\n';
      return map(node, indent + 2, path, false);
    }
    if (node.kind == YamlNode::Kind::kSequence && !node.items.empty()) {
      endLine("", path);
      for (std::size_t i = 0; i < node.items.size(); ++i)
        item(node.items[i], indent, fmt::format("{}[{}]", path, i));
      return;
    }
    switch (node.kind) {
      case YamlNode::Kind::kMap: return endLine(" {}", path);
      case YamlNode::Kind::kSequence: return endLine(" []", path);
      case YamlNode::Kind::kNull: return endLine("", path);
      case YamlNode::Kind::kScalar: return endLine(" " + yamlScalar(node), path);
    }
  }

  void item(const YamlNode& node, std::size_t indent, const std::string& path) {
    out_ += std::string(indent + 2, ' ') + "-";
    if (node.kind == YamlNode::Kind::kMap && !node.entries.empty()) {
      out_ += ' ';
      return map(node, indent + 4, path, true);
    }
    // What stands in a list comes from where the list comes from.
    out_ += node.kind == YamlNode::Kind::kScalar ? " " + yamlScalar(node) : " " + jsonOf(node);
    out_ += '\n';
  }

  void endLine(std::string text, const std::string& path) {
    const bool in_list = path.contains('[');
    const std::string note = note_ && !in_list ? note_(path) : std::string();
    out_ += text;
    if (!note.empty()) out_ += "  # " + note;
    out_ += '\n';
  }

  const Note& note_;
  std::string out_;
};

std::string tomlKey(std::string_view key) { return isWord(key) ? std::string(key) : quoted(key); }

// In one line; a table within a list is written so too.
std::string tomlValue(const YamlNode& node) {
  std::string out;
  switch (node.kind) {
    case YamlNode::Kind::kNull: return "\"\"";
    case YamlNode::Kind::kScalar: return isPlain(node) ? node.text : quoted(node.text);
    case YamlNode::Kind::kSequence:
      for (const YamlNode& item : node.items) out += (out.empty() ? "" : ", ") + tomlValue(item);
      return "[" + out + "]";
    case YamlNode::Kind::kMap:
      for (const YamlEntry& entry : node.entries)
        out += (out.empty() ? "" : ", ") + tomlKey(entry.key) + " = " + tomlValue(entry.value);
      return "{" + out + "}";
  }
  return out;
}

void appendToml(std::string& out, const YamlNode& map, const std::string& path) {
  for (const YamlEntry& entry : map.entries)
    if (entry.value.kind != YamlNode::Kind::kMap)
      out += fmt::format("{} = {}\n", tomlKey(entry.key), tomlValue(entry.value));
  for (const YamlEntry& entry : map.entries) {
    if (entry.value.kind != YamlNode::Kind::kMap) continue;
    const std::string name = path.empty() ? tomlKey(entry.key) : path + "." + tomlKey(entry.key);
    out += fmt::format("{}[{}]\n", out.empty() ? "" : "\n", name);
    appendToml(out, entry.value, name);
  }
}

void appendJson(std::string& out, const YamlNode& node, std::size_t indent, bool pretty) {
  const std::string line = pretty ? "\n" + std::string(indent + 2, ' ') : std::string();
  const std::string end = pretty ? "\n" + std::string(indent, ' ') : std::string();
  if (node.kind == YamlNode::Kind::kNull) {
    out += "null";
  } else if (node.kind == YamlNode::Kind::kScalar) {
    out += isPlain(node) ? node.text : quoted(node.text);
  } else if (node.kind == YamlNode::Kind::kSequence) {
    out += '[';
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      out += (i == 0 ? "" : ",") + line;
      appendJson(out, node.items[i], indent + 2, pretty);
    }
    out += (node.items.empty() ? "" : end) + "]";
  } else {
    out += '{';
    for (std::size_t i = 0; i < node.entries.size(); ++i) {
      out += (i == 0 ? "" : ",") + line + quoted(node.entries[i].key) + (pretty ? ": " : ":");
      appendJson(out, node.entries[i].value, indent + 2, pretty);
    }
    out += (node.entries.empty() ? "" : end) + "}";
  }
}

}  // namespace

std::string jsonOf(const YamlNode& value) {
  std::string out;
  appendJson(out, value, 0, false);
  return out;
}

std::string writeConfig(const YamlNode& map, ConfigFormat format, const Note& note) {
  std::string out;
  switch (format) {
    case ConfigFormat::kToml: appendToml(out, map, ""); return out;
    case ConfigFormat::kJson: appendJson(out, map, 0, true); return out + "\n";
    case ConfigFormat::kYaml: break;
  }
  if (map.entries.empty()) return "{}\n";
  YamlWriter writer(note);
  writer.map(map, 0, "", false);
  return writer.take();
}

}  // namespace nimbus::project
