#include "capability/keyvalue/nats/nats_answers.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <boost/json.hpp>

#include "base/escape.h"
#include "base/text.h"

namespace nimbus::keyvalue {
namespace {

namespace json = boost::json;

// Descriptions of streams are at most a few KiB; a message may have 64 MiB, in base 64.
constexpr std::size_t kMaxAnswerBytes = 256 << 10;
constexpr std::size_t kMaxMessageAnswerBytes = 96 << 20;
constexpr std::size_t kMaxSubjectsAnswerBytes = 256 << 20;  // 100,000 of up to 2 KiB
constexpr std::size_t kMaxHeaderBytes = 64 << 10;
constexpr std::size_t kMaxShownBytes = 300;
constexpr std::size_t kMaxDescriptionBytes = 1024;

constexpr std::uint64_t kWrongLastSequence = 10071;
constexpr std::uint64_t kStreamNameInUse = 10058;
constexpr std::uint64_t kNoMessage = 10037;
constexpr std::uint64_t kStoreFailed = 10077;

// By the server's list of errors (errors.json): limits of the account, of the server, of a stream.
constexpr std::array<std::uint64_t, 13> kLimits = {10002, 10022, 10023, 10026, 10027, 10028, 10046,
                                                   10047, 10054, 10113, 10120, 10121, 10122};
constexpr std::array<std::uint64_t, 4> kNoJetStream = {10035, 10039, 10074, 10076};

std::unexpected<Error> unexpectedAnswer(std::string_view what) {
  return fail(ErrorCode::kProtocol,
              fmt::format("the NATS server's answer is not as expected: {}", what));
}

const json::value* find(const json::object& object, std::string_view key) {
  return object.if_contains(key);
}

std::string_view textIn(const json::object& object, std::string_view key) {
  const json::value* value = find(object, key);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string())
                                                : std::string_view();
}

// Nothing for what is no number, or a negative one.
std::optional<std::uint64_t> numberIn(const json::object& object, std::string_view key) {
  const json::value* value = find(object, key);
  if (value == nullptr) return std::nullopt;
  if (const auto* number = value->if_uint64()) return *number;
  const auto* number = value->if_int64();
  return number != nullptr && *number >= 0 ? std::optional(static_cast<std::uint64_t>(*number))
                                           : std::nullopt;
}

bool isTrue(const json::object& object, std::string_view key) {
  const json::value* value = find(object, key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

const json::object* objectIn(const json::object& object, std::string_view key) {
  const json::value* value = find(object, key);
  return value == nullptr ? nullptr : value->if_object();
}

bool isOneOf(std::span<const std::uint64_t> codes, std::uint64_t code) {
  return std::ranges::find(codes, code) != codes.end();
}

ErrorCode meaningOf(std::uint64_t status, std::uint64_t code, std::string_view description) {
  if (code == kWrongLastSequence || code == kStreamNameInUse) return ErrorCode::kAlreadyExists;
  if (isOneOf(kNoJetStream, code)) return ErrorCode::kUnavailable;
  if (isOneOf(kLimits, code)) return ErrorCode::kResourceExhausted;
  if (code == kStoreFailed && description.starts_with("maximum "))
    return ErrorCode::kResourceExhausted;
  switch (status) {
    case 403: return ErrorCode::kPermissionDenied;
    case 404: return ErrorCode::kNotFound;
    case 408:
    case 429:
    case 503: return ErrorCode::kUnavailable;
    default: return ErrorCode::kIo;
  }
}

Error refusalOf(const json::object& error) {
  const std::uint64_t status = numberIn(error, "code").value_or(0);
  const std::uint64_t code = numberIn(error, "err_code").value_or(0);
  const std::string_view description = textIn(error, "description").substr(0, kMaxShownBytes);
  const ErrorCode meaning = meaningOf(status, code, description);
  const std::string_view what = meaning == ErrorCode::kResourceExhausted
                                    ? "a limit of the NATS server or of the keyspace's stream"
                                    : "the NATS server refuses";
  return {meaning, fmt::format("{}: {} ({})", what, escaped(description), code)};
}

struct Answer {
  json::object object;
  std::optional<std::uint64_t> error_code;  // of its error, as the list of errors has it
};

// The error, if it is one, is `Answer::error_code`, so that a caller can take it for an answer.
Result<Answer> parseAnswer(std::string_view text, std::size_t max_bytes = kMaxAnswerBytes) {
  if (text.size() > max_bytes) return unexpectedAnswer(fmt::format("it has {} bytes", text.size()));
  boost::system::error_code wrong;
  json::value value = json::parse(text, wrong);
  if (wrong) return unexpectedAnswer(wrong.message());
  json::object* object = value.if_object();
  if (object == nullptr) return unexpectedAnswer("it is no object");
  Answer answer{.object = std::move(*object), .error_code = {}};
  if (const auto* error = objectIn(answer.object, "error"))
    answer.error_code = numberIn(*error, "err_code").value_or(0);
  return answer;
}

// The same, where an error is nothing but that.
Result<json::object> parseGranted(std::string_view text, std::size_t max_bytes = kMaxAnswerBytes) {
  TRY(Answer answer, parseAnswer(text, max_bytes));
  if (answer.error_code) return std::unexpected(refusalOf(*objectIn(answer.object, "error")));
  return std::move(answer.object);
}

void setLimit(json::object& config, std::string_view key, std::optional<std::uint64_t> limit) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  config[key] = limit ? static_cast<std::int64_t>(std::min(*limit, kMost)) : std::int64_t{-1};
}

std::optional<std::string> base64Decoded(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  if (text.empty()) return std::string();
  std::string decoded(text.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(decoded.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  // OpenSSL skips white space.
  if (size < 0 || static_cast<std::size_t>(size) != decoded.size()) return std::nullopt;
  decoded.resize(decoded.size() - padding);
  return decoded;
}

// Of a message's headers as they are sent: "NATS/1.0\r\nName: value\r\n…".
std::string_view headerIn(std::string_view headers, std::string_view name) {
  for (std::string_view line : split(headers, '\n')) {
    const auto field = splitOnce(line, ':');
    if (field && field->first == name) return trim(field->second);
  }
  return {};
}

std::string descriptionOf(std::string_view keyspace) {
  // Escaped text is ASCII or valid UTF-8, and is cut where that stays so.
  std::string text = escaped(keyspace);
  if (text.size() <= kMaxDescriptionBytes) return text;
  std::size_t end = kMaxDescriptionBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) end -= 1;
  return text.substr(0, end);
}

}  // namespace

Result<NatsStreamInfo> parseNatsStream(std::string_view text) {
  TRY(const json::object answer, parseGranted(text));
  const json::object* config = objectIn(answer, "config");
  const json::object* state = objectIn(answer, "state");
  if (config == nullptr || state == nullptr) return unexpectedAnswer("no stream is described");
  NatsStreamInfo info{.config = json::serialize(*config),
                      .subjects = {},
                      .max_messages = numberIn(*config, "max_msgs"),
                      .max_bytes = numberIn(*config, "max_bytes"),
                      .messages = numberIn(*state, "messages").value_or(0),
                      .bytes = numberIn(*state, "bytes").value_or(0),
                      .is_read_directly = isTrue(*config, "allow_direct") &&
                                          numberIn(*config, "num_replicas") == 1U};
  const json::value* subjects = find(*config, "subjects");
  const json::array* list = subjects == nullptr ? nullptr : subjects->if_array();
  if (list == nullptr) return info;
  for (const json::value& subject : *list)
    if (const auto* name = subject.if_string()) info.subjects.emplace_back(*name);
  return info;
}

Result<NatsSubjects> parseNatsSubjects(std::string_view text) {
  TRY(const json::object answer, parseGranted(text, kMaxSubjectsAnswerBytes));
  const json::object* state = objectIn(answer, "state");
  if (state == nullptr) return unexpectedAnswer("no stream is described");
  NatsSubjects subjects{.some = {}, .total = numberIn(answer, "total").value_or(0)};
  const json::object* some = objectIn(*state, "subjects");
  if (some == nullptr) return subjects;
  subjects.some.reserve(some->size());
  for (const auto& [subject, count] : *some) subjects.some.emplace_back(subject);
  return subjects;
}

std::string natsStreamConfig(const NatsStreamOptions& options) {
  json::object config = {{"name", options.name},
                         {"description", descriptionOf(options.keyspace)},
                         {"subjects", json::array{json::value(options.subjects)}},
                         {"retention", "limits"},
                         {"storage", options.storage},
                         {"num_replicas", options.replicas},
                         {"discard", "new"},
                         {"max_msgs_per_subject", 1},
                         {"max_consumers", -1},
                         {"max_msg_size", -1},
                         {"max_age", 0},
                         {"deny_delete", true},
                         {"deny_purge", false},
                         {"allow_rollup_hdrs", true},
                         {"allow_direct", true}};
  setLimit(config, "max_msgs", options.max_messages);
  setLimit(config, "max_bytes", options.max_bytes);
  return json::serialize(config);
}

Result<std::string> natsStreamConfig(std::string_view config,
                                     std::optional<std::uint64_t> max_messages,
                                     std::optional<std::uint64_t> max_bytes) {
  // Part of an answer, and no answer itself: whatever its members are called.
  TRY(Answer changed, parseAnswer(config));
  setLimit(changed.object, "max_msgs", max_messages);
  setLimit(changed.object, "max_bytes", max_bytes);
  return json::serialize(changed.object);
}

bool isNatsDeletion(std::string_view operation) {
  return operation == "DEL" || operation == "PURGE";
}

Result<NatsEntry> parseNatsMessage(std::string_view text) {
  TRY(const Answer answer, parseAnswer(text, kMaxMessageAnswerBytes));
  if (answer.error_code == kNoMessage) return NatsEntry{};
  if (answer.error_code) return std::unexpected(refusalOf(*objectIn(answer.object, "error")));
  const json::object* message = objectIn(answer.object, "message");
  if (message == nullptr) return unexpectedAnswer("no message in it");
  const auto sequence = numberIn(*message, "seq");
  if (!sequence || *sequence == 0) return unexpectedAnswer("a message without its place");
  if (const std::string_view encoded = textIn(*message, "hdrs"); !encoded.empty()) {
    if (encoded.size() > kMaxHeaderBytes) return unexpectedAnswer("too many headers");
    const auto headers = base64Decoded(encoded);
    if (!headers) return unexpectedAnswer("headers that are not in base 64");
    if (isNatsDeletion(headerIn(*headers, "KV-Operation")))
      return NatsEntry{.value = {}, .sequence = *sequence};
  }
  auto value = base64Decoded(textIn(*message, "data"));
  if (!value) return unexpectedAnswer("a value that is not in base 64");
  return NatsEntry{.value = Bytes::take(*std::move(value)), .sequence = *sequence};
}

Result<std::uint64_t> parseNatsStored(std::string_view text, std::string_view stream) {
  TRY(const json::object answer, parseGranted(text));
  const auto sequence = numberIn(answer, "seq");
  if (!sequence || *sequence == 0) return unexpectedAnswer("no place of what was stored");
  if (textIn(answer, "stream") != stream)
    return unexpectedAnswer("another stream has taken the value");
  return *sequence;
}

Result<std::string> parseNatsConsumer(std::string_view text) {
  TRY(const json::object answer, parseGranted(text));
  const std::string_view name = textIn(answer, "name");
  // It becomes part of a subject.
  const auto allowed = [](char c) {
    return c > ' ' && c < 0x7f && c != '.' && c != '*' && c != '>';
  };
  if (name.empty() || name.size() > 256 || !std::ranges::all_of(name, allowed))
    return unexpectedAnswer("no name of a consumer");
  return std::string(name);
}

Result<void> parseNatsDone(std::string_view text) {
  TRY(const json::object answer, parseGranted(text));
  if (!isTrue(answer, "success")) return unexpectedAnswer("it is neither done nor refused");
  return {};
}

}  // namespace nimbus::keyvalue
