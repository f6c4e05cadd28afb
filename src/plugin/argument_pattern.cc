#include "plugin/argument_pattern.h"

namespace nimbus::plugin {

// Greedy with one way back: to where the last `*` stood, which takes one character more.
bool matchesArgument(std::string_view pattern, std::string_view argument) {
  std::size_t at = 0;
  std::size_t next = 0;
  std::size_t star = std::string_view::npos;
  std::size_t star_took_to = 0;
  while (at < argument.size()) {
    if (next < pattern.size() && pattern[next] == '*') {
      star = next++;
      star_took_to = at;
      continue;
    }
    const bool escaped = next + 1 < pattern.size() && pattern[next] == '\\';
    const std::size_t literal = next + (escaped ? 1 : 0);
    if (literal < pattern.size() && pattern[literal] == argument[at]) {
      next = literal + 1;
      ++at;
      continue;
    }
    if (star == std::string_view::npos) return false;
    next = star + 1;
    at = ++star_took_to;
  }
  while (next < pattern.size() && pattern[next] == '*') ++next;
  return next == pattern.size();
}

bool matchesArguments(std::span<const std::string> patterns,
                      std::span<const std::string> arguments) {
  const bool open = !patterns.empty() && patterns.back() == "**";
  if (open) patterns = patterns.first(patterns.size() - 1);
  if (arguments.size() < patterns.size() || (!open && arguments.size() > patterns.size()))
    return false;
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    if (!matchesArgument(patterns[i], arguments[i])) return false;
  }
  return true;
}

std::string exactPattern(std::string_view argument) {
  std::string pattern;
  for (const char c : argument) {
    if (c == '*' || c == '\\') pattern += '\\';
    pattern += c;
  }
  return pattern;
}

}  // namespace nimbus::plugin
