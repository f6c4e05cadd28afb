#include "witdeps/wit_tokens.h"

#include <algorithm>

namespace nimbus::witdeps {
namespace {

bool isWordPart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '%' || c == '.';
}

// The end of the comment that begins at `at`; `at` itself if there is none.
std::size_t endOfComment(std::string_view text, std::size_t at) {
  if (text.substr(at, 2) == "//") return std::min(text.find('\n', at), text.size());
  if (text.substr(at, 2) != "/*") return at;
  std::size_t depth = 0;
  while (at < text.size()) {
    const std::string_view two = text.substr(at, 2);
    if (two != "/*" && two != "*/") {
      ++at;
      continue;
    }
    depth = two == "/*" ? depth + 1 : depth - 1;
    at += 2;
    if (depth == 0) break;
  }
  return at;
}

}  // namespace

bool isBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::vector<Token> tokensOf(std::string_view text) {
  std::vector<Token> tokens;
  std::size_t at = 0;
  while (at < text.size()) {
    if (isBlank(text[at])) {
      ++at;
    } else if (const std::size_t end = endOfComment(text, at); end != at) {
      at = end;
    } else {
      const std::size_t begin = at++;
      if (isWordPart(text[begin])) {
        while (at < text.size() && isWordPart(text[at])) ++at;
      }
      tokens.push_back({begin, at});
    }
  }
  return tokens;
}

}  // namespace nimbus::witdeps
