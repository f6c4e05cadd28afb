#include "capability/keyvalue/redis/redis_bucket.h"

#include <algorithm>
#include <utility>

#include "capability/keyvalue/limits.h"
#include "capability/keyvalue/redis/redis_answers.h"

namespace nimbus::keyvalue {
namespace {

// Values that others put there may be larger than ours; then who asks is told so.
constexpr RedisReplyLimits kValueLimits = {.bytes = kMaxBatchResultBytes + (1 << 20),
                                           .elements = 0};
// Each value and each key has its length before it and a line break behind it.
constexpr std::size_t kFrameBytes = 32;
constexpr RedisReplyLimits kValuesLimits = {
    .bytes = kMaxBatchResultBytes + kMaxBatchKeys * kFrameBytes, .elements = kMaxBatchKeys};
constexpr RedisReplyLimits kPageLimits = {
    .bytes = kRedisPageKeys * (kMaxKeyBytes + 3 * kFrameBytes), .elements = 2 * kRedisPageKeys};

Bytes word(std::string_view text) { return Bytes::copyOf(text); }
Bytes word(std::uint64_t number) { return Bytes::take(std::to_string(number)); }
Bytes word(const std::optional<std::uint64_t>& limit) { return limit ? word(*limit) : Bytes(); }

Task<Result<std::optional<Bytes>>> valueOf(Task<Result<RedisReply>> call) {
  CO_TRY(RedisReply reply, co_await std::move(call));
  co_return redisValue(std::move(reply));
}

Task<Result<bool>> truthOf(Task<Result<RedisReply>> call) {
  CO_TRY(const RedisReply reply, co_await std::move(call));
  co_return redisTruth(reply);
}

Task<Result<KeyPage>> pageOf(Task<Result<RedisReply>> call) {
  CO_TRY(const RedisReply reply, co_await std::move(call));
  co_return redisPage(reply);
}

Task<Result<std::uint64_t>> sumOf(Task<Result<RedisReply>> call, Quota quota) {
  CO_TRY(const RedisReply reply, co_await std::move(call));
  co_return redisSum(reply, quota);
}

Task<Result<Values>> valuesOf(Task<Result<RedisReply>> call, std::size_t wanted) {
  CO_TRY(RedisReply reply, co_await std::move(call));
  co_return redisValues(std::move(reply), wanted);
}

Task<Result<void>> doneOf(Task<Result<RedisReply>> call, Quota quota) {
  CO_TRY(const RedisReply reply, co_await std::move(call));
  co_return redisDone(reply, quota);
}

}  // namespace

RedisBucket::RedisBucket(std::shared_ptr<RedisClient> client, std::shared_ptr<SharedQuota> quota,
                         const RedisKeyspaceNames& names, std::string_view bucket)
    : client_(std::move(client)),
      quota_(std::move(quota)),
      values_(names.valuesOf(bucket)),
      index_(names.indexOf(bucket)),
      usage_(names.usage()) {}

RedisCommand RedisBucket::change(const RedisScript& script) const {
  return {.script = &script, .key_count = 3, .words = {values_, index_, usage_}};
}

RedisCommand RedisBucket::growth(const RedisScript& script, const Quota& quota) const {
  RedisCommand command = change(script);
  command.words.push_back(word(quota.max_bytes));
  command.words.push_back(word(quota.max_keys));
  return command;
}

Eventual<Result<std::optional<Bytes>>> RedisBucket::get(std::string_view key) {
  return valueOf(
      client_->call({.words = {word("HGET"), values_, word(key)}, .limits = kValueLimits}));
}

Eventual<Result<bool>> RedisBucket::exists(std::string_view key) {
  return truthOf(client_->call({.words = {word("HEXISTS"), values_, word(key)}}));
}

Eventual<Result<KeyPage>> RedisBucket::listKeys(std::optional<std::uint64_t> cursor) {
  const std::uint64_t last = std::min(cursor.value_or(0), kRedisMaxNumber);
  return pageOf(client_->call(
      {.words = {word("ZRANGEBYSCORE"), index_, word("(" + std::to_string(last)), word("+inf"),
                 word("WITHSCORES"), word("LIMIT"), word("0"), word(kRedisPageKeys)},
       .limits = kPageLimits}));
}

Eventual<Result<Values>> RedisBucket::getMany(std::vector<std::string> keys) {
  if (keys.empty()) return Result<Values>(Values());
  const std::size_t wanted = keys.size();
  RedisCommand command{.script = &redisGetManyScript(),
                       .key_count = 1,
                       .words = {values_, word(kMaxBatchResultBytes)},
                       .limits = kValuesLimits};
  for (std::string& key : keys) command.words.push_back(Bytes::take(std::move(key)));
  return valuesOf(client_->call(std::move(command)), wanted);
}

Eventual<Result<void>> RedisBucket::set(std::string_view key, ByteView value) {
  const Quota quota = quota_->get();
  RedisCommand command = growth(redisSetScript(), quota);
  command.words.push_back(word(key));
  command.words.push_back(Bytes::copyOf(value));
  return doneOf(client_->call(std::move(command)), quota);
}

Eventual<Result<std::uint64_t>> RedisBucket::increment(std::string_view key, std::uint64_t delta) {
  const Quota quota = quota_->get();
  RedisCommand command = growth(redisIncrementScript(), quota);
  command.words.push_back(word(key));
  command.words.push_back(word(delta));
  return sumOf(client_->call(std::move(command)), quota);
}

Eventual<Result<void>> RedisBucket::setMany(std::vector<Entry> entries) {
  if (entries.empty()) return Result<void>();
  const Quota quota = quota_->get();
  RedisCommand command = growth(redisSetScript(), quota);
  for (Entry& entry : entries) {
    command.words.push_back(Bytes::take(std::move(entry.key)));
    command.words.push_back(std::move(entry.value));
  }
  return doneOf(client_->call(std::move(command)), quota);
}

Eventual<Result<void>> RedisBucket::remove(std::string_view key) {
  RedisCommand command = change(redisRemoveScript());
  command.words.push_back(word(key));
  return doneOf(client_->call(std::move(command)), {});
}

Eventual<Result<void>> RedisBucket::removeMany(std::vector<std::string> keys) {
  if (keys.empty()) return Result<void>();
  RedisCommand command = change(redisRemoveScript());
  for (std::string& key : keys) command.words.push_back(Bytes::take(std::move(key)));
  return doneOf(client_->call(std::move(command)), {});
}

}  // namespace nimbus::keyvalue
