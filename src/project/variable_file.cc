#include "project/variable_file.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/code_point.h"
#include "base/text.h"

namespace nimbus::project {
namespace {

bool isName(std::string_view name) {
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9') &&
         std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '.' || c == '-';
         });
}

// What may stand behind a quoted value.
bool isNothing(std::string_view rest) {
  rest = trim(rest);
  return rest.empty() || rest.starts_with('#');
}

std::optional<std::string> singleQuoted(std::string_view value) {
  const std::size_t end = value.find('\'', 1);
  if (end == std::string_view::npos || !isNothing(value.substr(end + 1))) return std::nullopt;
  return std::string(value.substr(1, end - 1));
}

std::optional<std::string> doubleQuoted(std::string_view value) {
  constexpr std::string_view kEscapes = "ntr\\\"$";
  constexpr std::string_view kMeanings = "\n\t\r\\\"$";
  std::string out;
  for (std::size_t i = 1; i < value.size(); ++i) {
    if (value[i] == '"')
      return isNothing(value.substr(i + 1)) ? std::optional(std::move(out)) : std::nullopt;
    if (value[i] != '\\') {
      out += value[i];
      continue;
    }
    const std::size_t escape =
        ++i < value.size() ? kEscapes.find(value[i]) : std::string_view::npos;
    if (escape == std::string_view::npos) return std::nullopt;
    out += kMeanings[escape];
  }
  return std::nullopt;
}

std::string bare(std::string_view value) {
  for (std::size_t i = 1; i < value.size(); ++i)
    if (value[i] == '#' && (value[i - 1] == ' ' || value[i - 1] == '\t'))
      return std::string(trim(value.substr(0, i)));
  return std::string(value);
}

std::optional<std::string> parseValue(std::string_view value) {
  value = trim(value);
  if (value.starts_with('\'')) return singleQuoted(value);
  if (value.starts_with('"')) return doubleQuoted(value);
  return value.starts_with('#') ? std::string() : bare(value);
}

}  // namespace

Result<StringMap> parseVariableFile(std::string_view text, std::string_view file) {
  StringMap values;
  std::size_t number = 0;
  const auto refuse = [&](std::string_view what) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{}:{}: {}", file, number, what));
  };
  for (std::string_view line : split(text, '\n')) {
    number += 1;
    line = trim(line);
    if (line.empty() || line.starts_with('#')) continue;
    if (line.starts_with("export ")) line = trim(line.substr(7));
    const auto parts = splitOnce(line, '=');
    if (!parts || !isName(trim(parts->first))) return refuse("expected NAME=VALUE");
    if (line.contains('\0') || firstInvalidUtf8(line)) return refuse("not UTF-8 text");
    auto value = parseValue(parts->second);
    if (!value) return refuse("the quotes do not end with the value, or an unknown escape");
    values[std::string(trim(parts->first))] = *std::move(value);
  }
  return values;
}

}  // namespace nimbus::project
