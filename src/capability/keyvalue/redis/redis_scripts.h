#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace nimbus::keyvalue {

// A program in Lua that the server runs as one command: nothing else happens meanwhile.
class RedisScript {
 public:
  explicit RedisScript(std::string_view text);
  RedisScript(const RedisScript&) = delete;
  RedisScript& operator=(const RedisScript&) = delete;

  [[nodiscard]] std::string_view text() const { return text_; }
  // By which a server knows one that it has run before: SHA-1 of the text, in hexadecimal digits.
  [[nodiscard]] std::string_view digest() const { return digest_; }

 private:
  const std::string text_;
  const std::string digest_;
};

// What they answer beside their results.
inline constexpr std::int64_t kRedisDone = 0;
inline constexpr std::int64_t kRedisTooManyBytes = 1;
inline constexpr std::int64_t kRedisTooManyKeys = 2;
inline constexpr std::int64_t kRedisNoNumber = 3;
inline constexpr std::int64_t kRedisBeyond64Bits = 4;
inline constexpr std::int64_t kRedisTooLargeResult = 5;

// All of one bucket take these keys: its values (a hash), its index (a sorted set of its keys by
// the numbers that they got when they were new) and the usage of its keyspace (a hash: bytes, keys,
// last). docs/formats/keyvalue-redis.md describes them. A quota is decimal digits, or empty.
//
// Arguments: quota of bytes, quota of keys, then keys and values in turns. Sets all, or none;
// answers kRedisDone or which quota is used up. Of a key that is given twice, the last value stays.
[[nodiscard]] const RedisScript& redisSetScript();
// Arguments: quotas as above, key, what to add in decimal digits. Answers the sum in decimal
// digits, or a number as above.
[[nodiscard]] const RedisScript& redisIncrementScript();
// Arguments: keys. Answers kRedisDone.
[[nodiscard]] const RedisScript& redisRemoveScript();
// Takes the values only. Arguments: how many bytes the answer may have, then keys. Answers a list
// of values, or kRedisTooLargeResult.
[[nodiscard]] const RedisScript& redisGetManyScript();

// Takes the set of a keyspace's buckets. Arguments: how many there may be, a name. Answers
// kRedisDone, or kRedisTooManyKeys.
[[nodiscard]] const RedisScript& redisOpenScript();

}  // namespace nimbus::keyvalue
