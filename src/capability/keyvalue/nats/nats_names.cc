#include "capability/keyvalue/nats/nats_names.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include <fmt/format.h>

#include "base/check.h"
#include "base/text.h"

namespace nimbus::keyvalue {
namespace {

constexpr std::size_t kMaxPrefixBytes = 32;
// A stream has a folder of its name on the server's disk, and its API subjects contain it.
constexpr std::size_t kMaxNatsBucketBytes = 200;
// With all that stands before it and the reply subject behind it, within a server's
// max_control_line, which nobody tells a client, and is 4096 by default.
constexpr std::size_t kMaxKeyTextBytes = 1024;

constexpr std::string_view kEmpty = "=";  // no escape: two digits would follow
constexpr std::string_view kLong = "==";

bool isAlphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool isPlain(char c) { return isAlphanumeric(c) || c == '-' || c == '_' || c == '/'; }

// A dot parts tokens, none of which may be empty.
bool isInnerDot(std::string_view text, std::size_t at) {
  return text[at] == '.' && at > 0 && at + 1 < text.size() && text[at - 1] != '.' &&
         text[at + 1] != '.';
}

enum class Dots { kEscaped, kKeptWithin };

std::string escapedName(std::string_view text, Dots dots) {
  if (text.empty()) return std::string(kEmpty);
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (isPlain(text[at]) || (dots == Dots::kKeptWithin && isInnerDot(text, at))) {
      out += text[at];
    } else {
      fmt::format_to(std::back_inserter(out), "={:02X}", static_cast<unsigned char>(text[at]));
    }
  }
  return out;
}

// Of any text that is an escaped one; of others something or nothing.
std::optional<std::string> unescapedName(std::string_view text) {
  if (text == kEmpty) return std::string();
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '=') {
      out += text[at];
      continue;
    }
    if (text.size() - at < 3) return std::nullopt;
    const int high = hexDigit(text[at + 1]);
    const int low = hexDigit(text[at + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    at += 2;
  }
  return out;
}

std::string sha256Hex(std::string_view text) {
  std::array<std::uint8_t, 32> digest{};
  unsigned int size = 0;
  NIMBUS_CHECK(EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) ==
                   1 &&
               size == digest.size());
  std::string out;
  for (const std::uint8_t byte : digest) fmt::format_to(std::back_inserter(out), "{:02x}", byte);
  return out;
}

}  // namespace

Result<void> checkNatsPrefix(std::string_view prefix) {
  const auto allowed = [](char c) { return isAlphanumeric(c) || c == '-'; };
  if (!prefix.empty() && prefix.size() <= kMaxPrefixBytes && std::ranges::all_of(prefix, allowed))
    return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("expected 1 to {} letters, digits or \"-\" as what names in NATS begin "
                          "with",
                          kMaxPrefixBytes));
}

// "_" is the one that escapes here: a bucket's name in NATS has no other signs.
std::string natsBucketOf(std::string_view prefix, std::string_view keyspace) {
  std::string name = fmt::format("{}_", prefix);
  for (const char c : keyspace) {
    if (isAlphanumeric(c) || c == '-') {
      name += c;
    } else if (c == '/') {
      name += "__";
    } else {
      fmt::format_to(std::back_inserter(name), "_{:02x}", static_cast<unsigned char>(c));
    }
  }
  if (name.size() <= kMaxNatsBucketBytes) return name;
  return fmt::format("{}__-{}", prefix, sha256Hex(keyspace));  // "_-" is no escape
}

NatsBucketSubjects::NatsBucketSubjects(std::string_view nats_bucket, std::string_view bucket)
    : before_(fmt::format("$KV.{}.{}.", nats_bucket, escapedName(bucket, Dots::kEscaped))) {}

NatsSubject NatsBucketSubjects::of(std::string_view key) const {
  std::string text = escapedName(key, Dots::kKeptWithin);
  if (text.size() <= kMaxKeyTextBytes) return {before_ + text, {}};
  return {fmt::format("{}{}{}", before_, kLong, sha256Hex(key)), escapedName(key, Dots::kEscaped)};
}

std::optional<std::string> NatsBucketSubjects::keyAt(
    std::string_view subject, std::optional<std::string_view> long_key) const {
  if (!subject.starts_with(before_)) return std::nullopt;
  const std::string_view text = subject.substr(before_.size());
  const bool is_long = text.starts_with(kLong);
  if (is_long && !long_key) return std::nullopt;
  auto key = unescapedName(is_long ? *long_key : text);
  // What others wrote may be escaped where it need not be; at such a subject nothing is looked for.
  if (!key || of(*key).text != subject) return std::nullopt;
  return key;
}

}  // namespace nimbus::keyvalue
