#pragma once

#include <cstdint>
#include <optional>

#include "base/result.h"
#include "capability/keyvalue/limits.h"
#include "capability/keyvalue/redis/redis_protocol.h"
#include "capability/keyvalue/store.h"

// What the replies of a server mean to callers of a bucket. A server that refuses gives
// kPermissionDenied, kResourceExhausted (its memory), kUnavailable (not now, not here) or kIo;
// kProtocol: the reply is none to what was asked.
namespace nimbus::keyvalue {

[[nodiscard]] Result<std::optional<Bytes>> redisValue(RedisReply reply);
[[nodiscard]] Result<bool> redisTruth(const RedisReply& reply);
// Whether the server takes no writes because it is a replica: one by nature, or a master that
// another one has replaced.
[[nodiscard]] bool isFromRedisReplica(const RedisReply& reply);
// What a script answers that changes something; a quota that is used up is an error.
[[nodiscard]] Result<void> redisDone(const RedisReply& reply, const Quota& quota);
[[nodiscard]] Result<std::uint64_t> redisSum(const RedisReply& reply, const Quota& quota);
[[nodiscard]] Result<Values> redisValues(RedisReply reply, std::size_t wanted);

// Of a page, one key more than a page has is asked for.
inline constexpr std::size_t kRedisPageKeys = kMaxPageKeys + 1;
// Numbers in the index are exact up to here.
inline constexpr std::uint64_t kRedisMaxNumber = std::uint64_t{1} << 53;
// Keys and their numbers in turns. Those that nobody here has put there may be no keys at all, and
// are passed over.
[[nodiscard]] Result<KeyPage> redisPage(const RedisReply& reply);

}  // namespace nimbus::keyvalue
