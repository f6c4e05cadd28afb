#include "oci/answer.h"

#include <algorithm>

#include <fmt/format.h>
#include <boost/json.hpp>

#include "base/escape.h"
#include "base/text.h"

namespace nimbus::oci {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxErrorBytes = 64 * 1024;
constexpr std::size_t kMaxErrors = 3;
constexpr std::size_t kMaxShownBytes = 300;
constexpr std::uint64_t kMaxRetryAfterSeconds = 3600;

std::string shown(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_string()) return {};
  return escaped(std::string_view(value->as_string()).substr(0, kMaxShownBytes));
}

Duration retryAfter(const http::ResponseHead& head) {
  const auto field = head.headers.find("retry-after");
  const auto seconds = field ? parseDecimal(trim(*field)) : std::nullopt;
  return std::chrono::seconds(std::min(seconds.value_or(0), kMaxRetryAfterSeconds));
}

struct Meaning {
  ErrorCode code;
  std::string advice;
  Failure::Retry retry = Failure::Retry::kUseless;
};

Meaning meaningOf(std::uint16_t status, std::string_view login) {
  constexpr auto kLater = Failure::Retry::kLater;
  switch (status) {
    case 401:
      return {ErrorCode::kPermissionDenied,
              fmt::format("log in with \"docker login {}\", or give --user and --password", login)};
    case 403: return {ErrorCode::kPermissionDenied, "this user lacks the right to do it there"};
    case 404: return {ErrorCode::kNotFound, "check the name, the tag and the right to see it"};
    case 413: return {ErrorCode::kResourceExhausted, "it takes no blobs of this size"};
    case 408:
    case 425: return {ErrorCode::kUnavailable, "try again", kLater};
    case 429:
      return {ErrorCode::kUnavailable, "it limits requests: try again later, or log in", kLater};
    case 500:
    case 502:
    case 503:
    case 504: return {ErrorCode::kUnavailable, "it has a problem: try again later", kLater};
    default: return {ErrorCode::kProtocol, "that was not expected"};
  }
}

}  // namespace

Task<Result<std::string>> readBounded(http::BodyReader& body, std::size_t max_bytes) {
  std::string content;
  for (;;) {
    CO_TRY(const auto piece, co_await body.read());
    if (!piece) co_return content;
    if (piece->size() > max_bytes - content.size()) {
      co_return fail(ErrorCode::kResourceExhausted,
                     fmt::format("the answer is longer than {} bytes", max_bytes));
    }
    content += piece->text();
  }
}

std::string registryErrors(std::string_view content) {
  std::error_code error;
  const json::value value = json::parse({content.data(), content.size()}, error);
  if (error || !value.is_object()) return {};
  const json::value* errors = value.as_object().if_contains("errors");
  if (errors == nullptr || !errors->is_array()) return {};
  std::string text;
  std::size_t count = 0;
  for (const json::value& entry : errors->as_array()) {
    if (!entry.is_object()) continue;
    if (count++ == kMaxErrors) break;
    const std::string code = shown(entry.as_object(), "code");
    const std::string message = shown(entry.as_object(), "message");
    text += text.empty() ? "" : "; ";
    text += code + (message.empty() || code.empty() ? "" : ": ") + message;
  }
  return text;
}

Failure refusalOf(const http::ResponseHead& head, std::string_view content, std::string_view who,
                  std::string_view login) {
  Meaning meaning = meaningOf(head.status, login);
  const std::string errors = registryErrors(content);
  const std::string said = errors.empty() ? "" : fmt::format(" ({})", errors);
  return {Error(meaning.code,
                fmt::format("{} answers {}{}; {}", who, head.status, said, meaning.advice)),
          meaning.retry, retryAfter(head)};
}

Task<Failure> readRefusal(http::ResponseHead head, http::BodyReader* body, std::string who,
                          std::string login) {
  // What cannot be read says nothing; the status does.
  const auto content = co_await readBounded(*body, kMaxErrorBytes);
  co_return refusalOf(head, content ? *content : std::string(), who, login);
}

}  // namespace nimbus::oci
