#include "host/manifest/yaml_reader.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <exception>
#include <set>
#include <sstream>
#include <utility>

#include <fmt/format.h>

#include "base/code_point.h"
#include "base/escape.h"
#include "base/text.h"
#include "host/manifest/text_rules.h"

namespace nimbus::host {
namespace {

// Thrown out of the parser by the handler below, and caught at the edge of this file.
struct Refused {
  std::uint32_t line;
  std::string message;
};

// YAML reads a key of 1,024 characters beside its value (1.2, 7.4.2), and JSON writes two for some.
constexpr std::size_t kMaxKeyBytes = 500;

std::uint32_t lineOf(const YAML::Mark& mark) {
  return mark.line < 0 ? 1 : static_cast<std::uint32_t>(mark.line) + 1;
}

// yaml-cpp makes one byte of the escapes \_ (U+00A0) and \N (U+0085). What it read was UTF-8, so
// each byte that is not is one of these.
std::string withWholeCharacters(std::string_view value) {
  std::string out;
  while (const auto stray = firstInvalidUtf8(value)) {
    out += value.substr(0, *stray);
    out += '\xC2';
    out += value[*stray];
    value.remove_prefix(*stray + 1);
  }
  return out += value;
}

// Builds the tree from the parser's events. Each open map or sequence is a frame on a stack; a
// finished value is stored into the frame below it.
class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(const YamlLimits& limits) : limits_(limits) {}

  [[nodiscard]] bool seen() const { return documents_ > 0; }
  [[nodiscard]] YamlNode takeRoot() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) throw Refused{lineOf(mark), "a second document; one per file is read"};
  }
  void OnDocumentEnd() override {}
  void OnAnchor(const YAML::Mark& mark, const std::string&) override {
    throw Refused{lineOf(mark), "anchors are not supported"};
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw Refused{lineOf(mark), "aliases are not supported"};
  }
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    store(makeNode(YamlNode::Kind::kNull, mark));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& value) override {
    if (tag != "?" && tag != "!") refuseTag(mark, tag);
    YamlNode node = makeNode(YamlNode::Kind::kScalar, mark);
    node.quoted = tag == "!";
    node.text = withWholeCharacters(value);
    store(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::kSequence, mark, tag);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::kMap, mark, tag);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    YamlNode node;
    bool has_key = false;
    std::string key;
    std::uint32_t key_line = 1;
    std::set<std::string, std::less<>> keys;
  };

  [[noreturn]] static void refuseTag(const YAML::Mark& mark, const std::string& tag) {
    throw Refused{lineOf(mark), fmt::format("the tag {} is not supported", inQuotes(tag))};
  }

  YamlNode makeNode(YamlNode::Kind kind, const YAML::Mark& mark) {
    if (++nodes_ > limits_.max_nodes)
      throw Refused{lineOf(mark), fmt::format("more than {} values", limits_.max_nodes)};
    YamlNode node;
    node.kind = kind;
    node.line = lineOf(mark);
    return node;
  }

  void open(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!") refuseTag(mark, tag);
    YamlNode node = makeNode(kind, mark);
    if (stack_.size() >= limits_.max_depth)
      throw Refused{node.line, fmt::format("nested deeper than {} levels", limits_.max_depth)};
    if (!stack_.empty() && stack_.back().node.kind == YamlNode::Kind::kMap &&
        !stack_.back().has_key)
      throw Refused{node.line, "a key must be text"};
    stack_.push_back(Frame{.node = std::move(node), .key = {}, .keys = {}});
  }

  void close() {
    YamlNode node = std::move(stack_.back().node);
    stack_.pop_back();
    store(std::move(node));
  }

  void store(YamlNode node) {
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = stack_.back();
    if (frame.node.kind == YamlNode::Kind::kSequence) {
      frame.node.items.push_back(std::move(node));
    } else if (!frame.has_key) {
      takeKey(frame, std::move(node));
    } else {
      frame.has_key = false;
      // The parser is at the next token by the time it knows that there is no value.
      if (node.kind == YamlNode::Kind::kNull) node.line = frame.key_line;
      frame.node.entries.push_back({std::move(frame.key), frame.key_line, std::move(node)});
    }
  }

  static void takeKey(Frame& frame, YamlNode node) {
    if (node.kind != YamlNode::Kind::kScalar) throw Refused{node.line, "a key must be text"};
    if (std::string problem = keyProblem(node.text); !problem.empty())
      throw Refused{node.line, std::move(problem)};
    if (!frame.keys.insert(node.text).second)
      throw Refused{node.line, fmt::format("duplicate key {}", inQuotes(node.text))};
    frame.has_key = true;
    frame.key = std::move(node.text);
    frame.key_line = node.line;
  }

  const YamlLimits& limits_;
  std::size_t documents_ = 0;
  std::size_t nodes_ = 0;
  std::vector<Frame> stack_;
  YamlNode root_;
};

std::unexpected<Error> refuse(std::string_view file_name, std::uint32_t line,
                              std::string_view message) {
  return fail(ErrorCode::kInvalidArgument, fmt::format("{}:{}: {}", file_name, line, message));
}

std::uint32_t lineAt(std::string_view text, std::size_t offset) {
  std::uint32_t line = 1;
  for (const char c : text.substr(0, offset)) line += c == '\n' ? 1 : 0;
  return line;
}

// Value of the \uXXXX escape at `at`, or 0 if there is none.
unsigned escapedUnit(std::string_view text, std::size_t at) {
  if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u') return 0;
  unsigned value = 0;
  for (const char c : text.substr(at + 2, 4)) {
    const int digit = hexDigit(c);
    if (digit < 0) return 0;
    value = value * 16 + static_cast<unsigned>(digit);
  }
  return value;
}

// JSON writes a character beyond U+FFFF as two escaped surrogates, which YAML does not know: turns
// such pairs into YAML's \UXXXXXXXX. Lines stay where they are.
std::string withoutSurrogatePairs(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!in_string || text[i] != '\\') {
      if (text[i] == '"') in_string = !in_string;
      out += text[i];
      continue;
    }
    const unsigned high = escapedUnit(text, i);
    const unsigned low = high >= 0xD800 && high <= 0xDBFF ? escapedUnit(text, i + 6) : 0;
    if (low >= 0xDC00 && low <= 0xDFFF) {
      out += fmt::format("\\U{:08X}", 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00));
      i += 11;
    } else {
      out += text[i];
      if (i + 1 < text.size()) out += text[++i];
    }
  }
  return out;
}

bool looksLikeJson(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && text[first] == '{';
}

}  // namespace

Result<YamlNode> parseYaml(std::string_view text, std::string_view file_name,
                           const YamlLimits& limits) {
  if (text.size() > limits.max_bytes)
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("{}: larger than {} bytes", file_name, limits.max_bytes));
  if (const auto bad = firstInvalidUtf8(text))
    return refuse(file_name, lineAt(text, *bad), "not UTF-8 text");
  if (const auto nul = text.find('\0'); nul != std::string_view::npos)
    return refuse(file_name, lineAt(text, nul), "a NUL character");

  TreeBuilder builder(limits);
  try {
    std::istringstream stream(looksLikeJson(text) ? withoutSurrogatePairs(text)
                                                  : std::string(text));
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Refused& refused) {
    return refuse(file_name, refused.line, refused.message);
  } catch (const YAML::Exception& error) {
    // It may show one byte of several that are a letter.
    return refuse(file_name, lineOf(error.mark), escaped(error.msg));
  } catch (const std::exception& error) {
    return refuse(file_name, 1, error.what());
  }
  if (!builder.seen()) return refuse(file_name, 1, "the document is empty");
  return builder.takeRoot();
}

ScalarType scalarTypeOf(const YamlNode& node) {
  if (node.quoted) return ScalarType::kString;
  const std::string_view text = node.text;
  for (const std::string_view word : {"true", "True", "TRUE", "false", "False", "FALSE"})
    if (text == word) return ScalarType::kBoolean;
  return looksLikeNumber(text) ? ScalarType::kNumber : ScalarType::kString;
}

std::string keyProblem(std::string_view key) {
  if (key.size() > kMaxKeyBytes) return fmt::format("a key of more than {} bytes", kMaxKeyBytes);
  if (std::ranges::any_of(key, isControl))
    return fmt::format("control characters in the key {}", inQuotes(key));
  return {};
}

std::string describeYaml(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull: return "nothing";
    case YamlNode::Kind::kSequence: return "a list";
    case YamlNode::Kind::kMap: return "a map";
    case YamlNode::Kind::kScalar: break;
  }
  switch (scalarTypeOf(node)) {
    case ScalarType::kNumber: return fmt::format("the number {}", node.text);
    case ScalarType::kBoolean: return fmt::format("the boolean {}", node.text);
    case ScalarType::kString: break;
  }
  return fmt::format("the string {}", inQuotes(node.text));
}

}  // namespace nimbus::host
