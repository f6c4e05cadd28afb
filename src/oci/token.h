#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace nimbus::oci {

inline constexpr std::size_t kMaxTokenAnswerBytes = 64 * 1024;

// What a token server gives (distribution specification, "Token Authentication").
struct Token {
  std::string text;  // fits into a header field
  Duration lives{};  // at least a minute, by the specification
};

// Reads its answer. kProtocol if it is not one.
[[nodiscard]] Result<Token> parseToken(std::string_view answer);

}  // namespace nimbus::oci
