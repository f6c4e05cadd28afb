#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace nimbus::witdeps {

// Something of WIT text that is neither blank nor a comment: a word, such as "u32" or "0.2.3", or
// one other character.
struct Token {
  std::size_t begin = 0;
  std::size_t end = 0;

  // Of the text that the token is from.
  [[nodiscard]] std::string_view of(std::string_view text [[clang::lifetimebound]]) const {
    return text.substr(begin, end - begin);
  }
};

[[nodiscard]] bool isBlank(char c);

// Of any text: what is no WIT has tokens too.
[[nodiscard]] std::vector<Token> tokensOf(std::string_view text);

}  // namespace nimbus::witdeps
