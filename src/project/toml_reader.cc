#include "project/toml_reader.h"

namespace nimbus::project {

struct TomlAssertionFailed {};

// The library's assertions can be reached by documents that are wrong in certain ways, so they are
// errors like any other.
constexpr void assertToml(bool condition) {
  if (!condition) throw TomlAssertionFailed();
}

}  // namespace nimbus::project

#define TOML_ASSERT(condition) ::nimbus::project::assertToml(static_cast<bool>(condition))
#define TOML_EXCEPTIONS 1
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>
static_assert(TOML_LIB_MAJOR == 3);

#include <sstream>
#include <string>

#include <fmt/format.h>

#include "base/escape.h"
#include "host/text_rules.h"
#include "project/schema.h"

namespace nimbus::project {
namespace {

std::unexpected<Error> refuse(std::string_view file, std::uint32_t line, std::string_view what) {
  std::string message = fmt::format("{}:{}: ", file, line);
  appendEscaped(message, what);
  return fail(ErrorCode::kInvalidArgument, std::move(message));
}

std::uint32_t lineOf(const toml::source_region& source) {
  return source.begin.line == 0 ? 1 : source.begin.line;
}

template <typename Value>
std::string printed(const Value& value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

// A number in the form that YAML's core schema has for it.
std::string printed(double value) {
  if (value != value) return ".nan";
  if (value == std::numeric_limits<double>::infinity()) return ".inf";
  if (value == -std::numeric_limits<double>::infinity()) return "-.inf";
  return fmt::format("{}", value);
}

class Converter {
 public:
  Converter(std::string_view file, const host::YamlLimits& limits) : file_(file), limits_(limits) {}

  Result<YamlNode> convert(const toml::node& from, std::size_t depth) {
    const std::uint32_t line = lineOf(from.source());
    if (depth > limits_.max_depth)
      return refuse(file_, line, fmt::format("nested deeper than {} levels", limits_.max_depth));
    if (++nodes_ > limits_.max_nodes)
      return refuse(file_, line, fmt::format("more than {} values", limits_.max_nodes));
    if (const toml::table* table = from.as_table()) return convertTable(*table, depth);
    if (const toml::array* array = from.as_array()) return convertArray(*array, depth);
    YamlNode node = scalar(from);
    node.line = line;
    return node;
  }

 private:
  Result<YamlNode> convertTable(const toml::table& table, std::size_t depth) {
    YamlNode node = mapNode();
    node.line = lineOf(table.source());
    for (const auto& [key, value] : table) {
      TRY(YamlNode converted, convert(value, depth + 1));
      node.entries.push_back({std::string(key.str()), lineOf(key.source()), std::move(converted)});
    }
    return node;
  }

  Result<YamlNode> convertArray(const toml::array& array, std::size_t depth) {
    YamlNode node = listNode();
    node.line = lineOf(array.source());
    for (const toml::node& item : array) {
      TRY(YamlNode converted, convert(item, depth + 1));
      node.items.push_back(std::move(converted));
    }
    return node;
  }

  static YamlNode scalar(const toml::node& from) {
    if (const auto* text = from.as_string()) return textNode(text->get());
    if (const auto* number = from.as_integer()) return plainNode(std::to_string(number->get()));
    if (const auto* number = from.as_floating_point()) return plainNode(printed(number->get()));
    if (const auto* boolean = from.as_boolean())
      return plainNode(boolean->get() ? "true" : "false");
    if (const auto* date = from.as_date()) return textNode(printed(date->get()));
    if (const auto* time = from.as_time()) return textNode(printed(time->get()));
    if (const auto* both = from.as_date_time()) return textNode(printed(both->get()));
    return {};
  }

  std::string_view file_;
  const host::YamlLimits& limits_;
  std::size_t nodes_ = 0;
};

}  // namespace

Result<YamlNode> parseToml(std::string_view text, std::string_view file_name,
                           const host::YamlLimits& limits) {
  if (text.size() > limits.max_bytes)
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("{}: larger than {} bytes", file_name, limits.max_bytes));
  try {
    const toml::table table = toml::parse(text);
    return Converter(file_name, limits).convert(table, 0);
  } catch (const toml::parse_error& error) {
    return refuse(file_name, lineOf(error.source()), error.description());
  } catch (const TomlAssertionFailed&) {
    return refuse(file_name, 1, "not a TOML document");
  }
}

}  // namespace nimbus::project
