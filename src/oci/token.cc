#include "oci/token.h"

#include <algorithm>

#include <boost/json.hpp>

namespace nimbus::oci {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kLeastSeconds = 60;
constexpr std::uint64_t kMostSeconds = 24 * 3600;

// RFC 6750 2.1: letters, digits, "-._~+/" and "="; visible characters will do for a header field.
bool isTokenText(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace

Result<Token> parseToken(std::string_view answer) {
  const auto malformed = [] {
    return fail(ErrorCode::kProtocol, "the answer of the registry's token server holds no token");
  };
  if (answer.size() > kMaxTokenAnswerBytes) return malformed();
  std::error_code error;
  const json::value value = json::parse({answer.data(), answer.size()}, error);
  if (error || !value.is_object()) return malformed();
  const json::object& object = value.as_object();
  const json::value* text = object.if_contains("token");
  if (text == nullptr) text = object.if_contains("access_token");
  if (text == nullptr || !text->is_string()) return malformed();
  Token token{json::value_to<std::string>(*text), std::chrono::seconds(kLeastSeconds)};
  if (!isTokenText(token.text)) return malformed();
  if (const json::value* lives = object.if_contains("expires_in"); lives != nullptr) {
    std::error_code not_a_number;
    const auto seconds = lives->to_number<std::uint64_t>(not_a_number);
    if (!not_a_number)
      token.lives = std::chrono::seconds(std::clamp(seconds, kLeastSeconds, kMostSeconds));
  }
  return token;
}

}  // namespace nimbus::oci
