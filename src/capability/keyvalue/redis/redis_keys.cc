#include "capability/keyvalue/redis/redis_keys.h"

#include <algorithm>

#include <fmt/format.h>

namespace nimbus::keyvalue {
namespace {

constexpr std::size_t kMaxPrefixBytes = 64;

bool isPlain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_';
}

// Percent-encoded but for plain characters and "/". What is empty becomes what nothing else does: a
// cluster takes no notice of empty braces.
std::string encoded(std::string_view name) {
  if (name.empty()) return "%";
  std::string text;
  for (const char c : name) {
    if (isPlain(c) || c == '/') {
      text.push_back(c);
    } else {
      text += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return text;
}

}  // namespace

RedisKeyspaceNames::RedisKeyspaceNames(std::string_view prefix, std::string_view keyspace)
    : begin_(fmt::format("{}:{{{}}}:", prefix, encoded(keyspace))),
      usage_(Bytes::take(begin_ + "usage")),
      buckets_(Bytes::take(begin_ + "buckets")) {}

Bytes RedisKeyspaceNames::valuesOf(std::string_view bucket) const {
  return Bytes::take(begin_ + "values:" + encoded(bucket));
}

Bytes RedisKeyspaceNames::indexOf(std::string_view bucket) const {
  return Bytes::take(begin_ + "index:" + encoded(bucket));
}

bool isRedisPrefix(std::string_view text) {
  return !text.empty() && text.size() <= kMaxPrefixBytes &&
         std::ranges::all_of(text, [](char c) { return isPlain(c) || c == ':' || c == '/'; });
}

}  // namespace nimbus::keyvalue
