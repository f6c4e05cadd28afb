#include "wash/plugins/plugin_invocation.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include <CLI/CLI.hpp>

#include "base/escape.h"
#include "base/text.h"

namespace nimbus::wash {
namespace {

namespace types = plugin::types;

std::string integerProblem(const std::string& text) {
  std::string_view digits = text;
  if (digits.starts_with('-') || digits.starts_with('+')) digits.remove_prefix(1);
  const bool number =
      !digits.empty() && std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
  return number ? "" : "\"" + escaped(text) + "\" is not a whole number";
}

std::string_view textOf(types::ValueKind kind) {
  switch (kind) {
    case types::ValueKind::kInteger: return "NUMBER";
    case types::ValueKind::kPath: return "PATH";
    default: return "TEXT";
  }
}

std::string flagNames(const types::Flag& flag) {
  std::string names;
  if (flag.short_) names = std::string("-") + static_cast<char>(*flag.short_) + ",";
  return names + "--" + flag.name;
}

bool isYes(std::string_view text) {
  const std::string small = lowerAscii(text);
  return small == "1" || small == "true" || small == "yes" || small == "on";
}

// Of a switch on the command line: words and digits that the parser takes. A number that is too
// large is none of them.
std::string switchProblem(const std::string& text) {
  constexpr std::array<std::string_view, 17> kWords{"true", "yes", "on", "enable",  "t", "y",
                                                    "+",    "1",   "-1", "false",   "n", "no",
                                                    "off",  "f",   "0",  "disable", "-"};
  const bool known = std::ranges::find(kWords, lowerAscii(text)) != kWords.end();
  return known ? "" : inQuotes(text) + " is neither true nor false";
}

// Variables are read after the command line: what they say is the plugin's only once that is agreed
// to.
std::string described(const types::Flag& flag) {
  std::string text = escaped(flag.description);
  if (flag.env) text += " [env: " + *flag.env + "]";
  return text;
}

void addSwitch(CLI::App& command, const types::Flag& flag, std::vector<std::string>& values) {
  const auto on = [&values] { values = {"true"}; };
  command.add_flag_callback(flagNames(flag), on, described(flag))->check(switchProblem, "");
}

void addFlag(CLI::App& command, const types::Flag& flag, std::vector<std::string>& values) {
  if (flag.kind == types::ValueKind::kSwitch) return addSwitch(command, flag, values);
  std::string text(textOf(flag.kind));
  if (flag.default_) text += " (default " + escaped(*flag.default_) + ")";
  auto* option = command.add_option(flagNames(flag), values, described(flag));
  option->option_text(text)->allow_extra_args(false);
  option->multi_option_policy(flag.repeated ? CLI::MultiOptionPolicy::TakeAll
                                            : CLI::MultiOptionPolicy::Throw);
  if (!flag.repeated) option->expected(1);
  if (flag.required && !flag.default_ && !flag.env) option->required();
  if (flag.kind == types::ValueKind::kInteger) option->check(integerProblem, "");
}

void addArgument(CLI::App& command, const types::Argument& argument,
                 std::vector<std::string>& values) {
  std::string text(textOf(argument.kind));
  if (argument.default_) text += " (default " + escaped(*argument.default_) + ")";
  if (argument.repeated) text += " ...";
  auto* option = command.add_option(argument.name, values, escaped(argument.description));
  option->option_text(text);
  if (argument.repeated) {
    option->expected(argument.required && !argument.default_ ? 1 : 0, -1);
  } else {
    option->expected(1)->allow_extra_args(false);
  }
  if (argument.required && !argument.default_) option->required();
  if (argument.kind == types::ValueKind::kInteger) option->check(integerProblem, "");
}

template <typename Declared>
void take(const Declared& declared, const std::map<std::string, std::vector<std::string>>& given,
          std::vector<types::Given>& out) {
  std::vector<std::string> values;
  if (const auto found = given.find(declared.name); found != given.end()) values = found->second;
  if (values.empty() && declared.default_) values.push_back(*declared.default_);
  if (values.empty()) return;
  if (declared.kind == types::ValueKind::kPath) {
    for (std::string& value : values) {
      std::error_code error;
      const auto absolute = std::filesystem::absolute(value, error);
      if (!error) value = absolute.lexically_normal().string();
    }
  }
  out.push_back({declared.name, std::move(values)});
}

}  // namespace

void addPluginFlags(CLI::App& command, const types::Command& declared, GivenValues& given) {
  for (const types::Flag& flag : declared.flags) addFlag(command, flag, given.flags[flag.name]);
  for (const types::Argument& argument : declared.arguments)
    addArgument(command, argument, given.arguments[argument.name]);
  if (declared.examples.empty()) return;
  std::string footer = "Examples:";
  for (const std::string& example : declared.examples) footer += "\n  " + escaped(example);
  command.footer(footer);
}

Result<void> fillFromVariables(const types::Command& declared, const ReadVariable& read,
                               GivenValues& given) {
  for (const types::Flag& flag : declared.flags) {
    std::vector<std::string>& values = given.flags[flag.name];
    if (!flag.env || !values.empty()) continue;
    const std::optional<std::string> said = read(*flag.env);
    if (flag.kind == types::ValueKind::kSwitch) {
      if (said && isYes(*said)) values = {"true"};
      continue;
    }
    if (said) values = {*said};
    if (!said && flag.required && !flag.default_)
      return fail(ErrorCode::kInvalidArgument, "--" + flag.name + " is required");
    const std::string problem =
        said && flag.kind == types::ValueKind::kInteger ? integerProblem(*said) : "";
    if (!problem.empty())
      return fail(ErrorCode::kInvalidArgument,
                  "--" + flag.name + " (" + *flag.env + "): " + problem);
  }
  return {};
}

types::Invocation invocationOf(const types::Command& declared, const GivenValues& given) {
  types::Invocation invocation;
  for (const types::Flag& flag : declared.flags) take(flag, given.flags, invocation.flags);
  for (const types::Argument& argument : declared.arguments)
    take(argument, given.arguments, invocation.arguments);
  return invocation;
}

}  // namespace nimbus::wash
