#include "wash/flags/flag_check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/escape.h"
#include "base/text.h"

namespace nimbus::wash {

Result<std::pair<std::string, std::string>> parseKeyValue(std::string_view text) {
  const auto pair = splitOnce(text, '=');
  if (pair && !pair->first.empty()) return std::pair<std::string, std::string>(*pair);
  return fail(ErrorCode::kInvalidArgument, "\"" + std::string(text) + "\": expected KEY=VALUE");
}

CLI::Validator numberFrom(std::uint64_t least, std::uint64_t most) {
  return CLI::Validator(
      [least, most](std::string& text) {
        const auto number = parseWholeNumber(text);
        if (number && *number >= least && *number <= most) return std::string();
        return fmt::format("{} is not a whole number from {} to {}", inQuotes(text), least, most);
      },
      "");
}

CLI::Validator oneOf(std::vector<std::string> words) {
  return CLI::Validator(
      [words = std::move(words)](std::string& text) {
        for (const std::string& word : words) {
          if (equalsIgnoringCase(text, word)) return std::string();
        }
        std::string message =
            fmt::format("{} is none of {}", inQuotes(text), fmt::join(words, ", "));
        const std::vector<std::string_view> known(words.begin(), words.end());
        if (const auto meant = nearestKey(text, known))
          message += fmt::format("; did you mean \"{}\"?", *meant);
        return message;
      },
      "");
}

std::vector<std::string> choicesOf(const CLI::Option& option) {
  std::vector<std::string> choices;
  const std::string& text = option.get_option_text();
  if (!text.contains('|') || text.find_first_of(" <[=:") != std::string::npos) return choices;
  for (const std::string_view choice : split(text, '|')) {
    if (choice.empty() || choice.front() != lowerAscii(choice.front())) return {};  // a placeholder
    choices.emplace_back(choice);
  }
  return choices;
}

}  // namespace nimbus::wash
