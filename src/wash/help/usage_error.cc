#include "wash/help/usage_error.h"

#include <algorithm>
#include <iostream>
#include <optional>
#include <span>
#include <sstream>
#include <stdexcept>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/escape.h"
#include "base/text.h"
#include "wash/flags/flag_check.h"
#include "wash/help/command_path.h"
#include "wash/output/answer.h"
#include "wash/output/output.h"
#include "wash/output/version.h"

namespace nimbus::wash {
namespace {

std::vector<std::string_view> namesOf(const std::vector<const CLI::App*>& commands) {
  std::vector<std::string_view> names;
  for (const CLI::App* command : commands) names.push_back(command->get_name());
  return names;
}

std::string meant(std::string_view word, const std::vector<std::string_view>& known) {
  const auto nearest = nearestKey(word, known);
  return nearest ? fmt::format("; did you mean \"{}\"?", *nearest) : "";
}

std::string unknownOption(const CommandPath& path) {
  std::vector<std::string> names;
  path.eachOption([&](const CLI::Option& option) {
    if (option.get_group().empty()) return;
    for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  });
  return fmt::format("{} has no option {}{}", path.name(), escaped(path.unknown()),
                     meant(path.unknown(), {names.begin(), names.end()}));
}

std::string unknownText(const CommandPath& path) {
  if (path.unknown().starts_with('-')) return unknownOption(path);
  return unknownCommand(path.unknown(), path.name(), path.command());
}

std::string extrasText(const CommandPath& path, std::span<const std::string> extras) {
  std::vector<std::string> words;
  for (const std::string& word : extras) words.push_back(inQuotes(word));
  return fmt::format("{} takes no further argument{}: {}", path.name(), words.size() > 1 ? "s" : "",
                     fmt::join(words, ", "));
}

// Of a command whose last arguments follow "--": those words that stand before it, and are too
// much there.
std::span<const std::string> extrasBeforeMark(const CommandPath& path) {
  std::size_t taken = 0;
  for (const CLI::Option* option : path.command().get_options()) {
    if (!option->get_positional()) continue;
    if (option->get_option_text().starts_with("[-- "))
      return path.wordsBeforeMark().subspan(std::min(taken, path.wordsBeforeMark().size()));
    ++taken;
  }
  return {};
}

// What is left over, in the order in which it was typed.
std::string extrasText(const CLI::App& app, const CommandPath& path) {
  if (const auto words = extrasBeforeMark(path); !words.empty())
    return extrasText(path, words) + "; arguments follow \"--\"";
  return extrasText(path, app.remaining(true));
}

// The option that the parser complains of: its messages begin with the name, or have it behind
// `kConversion`.
constexpr std::string_view kConversion = "Could not convert: ";

const CLI::Option* optionIn(std::string_view message, const CommandPath& path) {
  if (message.starts_with(kConversion)) message.remove_prefix(kConversion.size());
  const std::string_view name = message.substr(0, message.find_first_of(": "));
  const CLI::Option* found = nullptr;
  path.eachOption([&](const CLI::Option& option) {
    if (found == nullptr && option.get_name() == name) found = &option;
  });
  return found;
}

bool isTyped(const CLI::Option& option, const std::vector<std::string>& words) {
  return std::ranges::any_of(words, [&](const std::string& word) {
    return option.check_name(word.starts_with("--") ? word.substr(0, word.find('='))
                                                    : word.substr(0, 2));
  });
}

// As it was given: by its name, or by a variable.
std::string nameOf(const CLI::Option& option, const std::vector<std::string>& words) {
  const bool by_variable =
      !option.get_envname().empty() && !option.get_positional() && !isTyped(option, words);
  return by_variable ? option.get_envname() : option.get_name();
}

std::string conversionText(const CLI::Option& option, std::string_view name,
                           std::string_view message) {
  const auto parts = splitOnce(message, '=');
  std::string_view value = parts ? parts->second : "";
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (option.get_items_expected_max() == 0)
    return fmt::format("{}: {} is neither true nor false", name, inQuotes(value));
  return fmt::format("{}: {} is not a number that it can have", name, inQuotes(value));
}

std::string mismatchText(const CLI::Option& option, std::string_view name,
                         std::string_view message) {
  if (message.contains("At Most")) return fmt::format("{} can be given only once", name);
  const std::string& values = option.get_option_text();
  return fmt::format("{} needs a value{}{}", name, values.empty() ? "" : ": ", values);
}

// Names of errors are not always those of their types.
bool is(const CLI::ParseError& error, CLI::ExitCodes code) {
  return error.get_exit_code() == static_cast<int>(code);
}

std::string optionText(const CLI::Option& option, const std::vector<std::string>& words,
                       const CLI::ParseError& error) {
  const std::string message = error.what();
  const std::string name = nameOf(option, words);
  if (is(error, CLI::ExitCodes::ConversionError)) return conversionText(option, name, message);
  if (is(error, CLI::ExitCodes::ArgumentMismatch)) return mismatchText(option, name, message);
  return message.starts_with(option.get_name()) ? name + message.substr(option.get_name().size())
                                                : message;
}

std::string requiredText(const CLI::Option& option, const std::vector<std::string>& words) {
  const std::string text = nameOf(option, words) + " is required";
  const std::vector<std::string> choices = choicesOf(option);
  if (!choices.empty()) return fmt::format("{}: one of {}", text, fmt::join(choices, ", "));
  if (option.get_positional() || option.get_option_text().empty()) return text;
  return text + ": " + option.get_option_text();
}

// Of a group of options, such as "At least 1 option from [--cache,--data] is required".
std::string groupText(const CommandPath& path, std::string_view message) {
  const std::size_t open = message.find('[');
  const std::string_view names = message.substr(open + 1, message.find(']') - open - 1);
  return fmt::format("{} needs one of {}", path.name(), fmt::join(split(names, ','), ", "));
}

CommandPath pathOf(const CLI::App& app, const std::vector<std::string>& words) {
  CommandPath path(app);
  for (const std::string& word : words) path.pass(word);
  return path;
}

// For help with a command that there is not.
bool asksAboutUnknown(const CommandPath& path) {
  return !path.unknown().empty() && !path.unknown().starts_with('-');
}

int answerQuestion(const CLI::App& app, OutputFormat format, const CLI::ParseError& question) {
  std::ostringstream answer;
  static_cast<void>(app.exit(question, answer, answer));
  const bool version = dynamic_cast<const CLI::CallForVersion*>(&question) != nullptr;
  printAnswer(format, answer.str(), version ? versionFields() : std::vector<DataField>{});
  return kExitOk;
}

// What is wrong with the words, or the answer to what they ask.
int reportUsage(const CLI::App& app, const std::vector<std::string>& words, OutputFormat format,
                const CLI::ParseError& error) {
  if (error.get_exit_code() == 0 && !asksAboutUnknown(pathOf(app, words)))
    return answerQuestion(app, format, error);
  static_cast<void>(
      reportFailure(format, Error(ErrorCode::kInvalidArgument, usageMessage(app, words, error))));
  if (format == OutputFormat::kText)
    std::cerr << "Run \"" << pathOf(app, words).name() << " --help\" for more information.\n";
  return kExitUsage;
}

}  // namespace

std::string unknownCommand(std::string_view word, std::string_view name,
                           const std::vector<std::string_view>& known) {
  return fmt::format("{} has no command {}{}", name, inQuotes(word), meant(word, known));
}

std::string unknownCommand(std::string_view word, std::string_view name, const CLI::App& at) {
  return unknownCommand(word, name, namesOf(commandsOf(at)));
}

std::string usageMessage(const CLI::App& app, const std::vector<std::string>& words,
                         const CLI::ParseError& error) {
  const CommandPath path = pathOf(app, words);
  const bool missing = is(error, CLI::ExitCodes::RequiredError);
  const bool extra = is(error, CLI::ExitCodes::ExtrasError);
  const bool question = error.get_exit_code() == 0;
  if ((missing || extra || question) && !path.unknown().empty()) return unknownText(path);
  if (missing && path.command().get_require_subcommand_min() > 0)
    return fmt::format("{} needs a command: {}", path.name(),
                       fmt::join(namesOf(commandsOf(path.command())), ", "));
  if (missing && std::string_view(error.what()).contains(" option from ["))
    return groupText(path, error.what());
  if (extra) return extrasText(app, path);
  if (const CLI::Option* option = optionIn(error.what(), path))
    return missing ? requiredText(*option, words) : optionText(*option, words, error);
  return error.what();
}

OutputFormat formatAskedFor(const std::vector<std::string>& words) {
  for (std::size_t i = 0; i < words.size() && words[i] != "--"; ++i) {
    const std::string word = lowerAscii(words[i]);
    if (word == "-ojson" || word == "-o=json" || word == "--output=json")
      return OutputFormat::kJson;
    const bool named = word == "-o" || word == "--output";
    if (named && i + 1 < words.size() && lowerAscii(words[i + 1]) == "json")
      return OutputFormat::kJson;
  }
  return OutputFormat::kText;
}

std::optional<int> readWords(CLI::App& app, const std::vector<std::string>& words,
                             OutputFormat format) {
  try {
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    return reportUsage(app, words, format, error);
  } catch (const std::logic_error& error) {
    // Of the standard library's functions that it converts values by.
    const std::string text = std::string("a value cannot be understood: ") + error.what();
    return reportUsage(app, words, format,
                       CLI::ConversionError(text, CLI::ExitCodes::ConversionError));
  }
}

}  // namespace nimbus::wash
