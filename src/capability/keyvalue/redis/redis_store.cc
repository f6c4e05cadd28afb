#include "capability/keyvalue/redis/redis_store.h"

#include <shared_mutex>
#include <utility>

#include <fmt/format.h>

#include "base/escape.h"
#include "capability/keyvalue/limits.h"
#include "capability/keyvalue/redis/redis_answers.h"
#include "capability/keyvalue/redis/redis_bucket.h"
#include "capability/keyvalue/redis/redis_client.h"
#include "capability/keyvalue/redis/redis_keys.h"
#include "capability/keyvalue/redis/redis_place.h"

namespace nimbus::keyvalue {
namespace {

// Buckets are looked up in the server once; then opening one completes at once.
class RedisKeyspace final : public Keyspace, public std::enable_shared_from_this<RedisKeyspace> {
 public:
  RedisKeyspace(std::shared_ptr<RedisClient> client, std::string_view prefix, std::string_view name)
      : client_(std::move(client)), names_(prefix, name) {}

  Eventual<Result<std::shared_ptr<Bucket>>> open(std::string_view name) override {
    {
      const std::shared_lock lock(mutex_);
      if (const auto found = buckets_.find(name); found != buckets_.end())
        return Result<std::shared_ptr<Bucket>>(found->second);
    }
    return openInServer(shared_from_this(), std::string(name));
  }

  void limit(const Quota& quota) override { quota_->set(quota); }

 private:
  static Task<Result<std::shared_ptr<Bucket>>> openInServer(std::shared_ptr<RedisKeyspace> self,
                                                            std::string name) {
    constexpr Quota kBuckets = {.max_bytes = {}, .max_keys = kMaxBuckets};
    RedisCommand command{.script = &redisOpenScript(),
                         .key_count = 1,
                         .words = {self->names_.buckets(), Bytes::take(std::to_string(kMaxBuckets)),
                                   Bytes::copyOf(name)}};
    CO_TRY(const RedisReply reply, co_await self->client_->call(std::move(command)));
    if (reply.kind == RedisReply::Kind::kNumber && reply.number == kRedisTooManyKeys)
      co_return failQuota("buckets", kMaxBuckets);
    CO_TRY_VOID(redisDone(reply, kBuckets));
    const std::lock_guard lock(self->mutex_);
    const auto at = self->buckets_.try_emplace(name).first;
    if (at->second == nullptr)
      at->second = std::make_shared<RedisBucket>(self->client_, self->quota_, self->names_, name);
    co_return at->second;
  }

  const std::shared_ptr<RedisClient> client_;
  const RedisKeyspaceNames names_;
  const std::shared_ptr<SharedQuota> quota_ = std::make_shared<SharedQuota>();
  std::shared_mutex mutex_;
  std::map<std::string, std::shared_ptr<Bucket>, std::less<>> buckets_;
};

}  // namespace

Result<void> checkRedisPrefix(std::string_view prefix) {
  if (isRedisPrefix(prefix)) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{} cannot be what names in a Redis server begin with: it has 1 to 64 "
                          "letters, digits and -._:/",
                          inQuotes(prefix)));
}

Result<void> checkRedisOptions(const RedisOptions& options) {
  TRY(const RedisPlace place, RedisPlace::parse(options.url));
  TRY_VOID(checkRedisPrefix(options.prefix));
  if (place.password && !options.password_file.empty())
    return fail(ErrorCode::kInvalidArgument,
                "the Redis server has a password in its URL and one in a file");
  if (!place.user.empty() && !place.password && options.password_file.empty())
    return fail(ErrorCode::kInvalidArgument,
                "the URL of the Redis server has a user, but there is no password");
  return {};
}

Result<std::unique_ptr<RedisStore>> RedisStore::open(const RedisOptions& options) {
  TRY(auto client, RedisClient::start(options));
  return std::unique_ptr<RedisStore>(new RedisStore(std::move(client), options.prefix));
}

std::string RedisStore::problem() const { return client_->problem(); }

std::shared_ptr<Keyspace> RedisStore::keyspace(std::string_view name) {
  const std::lock_guard lock(mutex_);
  if (const auto found = keyspaces_.find(name); found != keyspaces_.end()) {
    if (auto keyspace = found->second.lock()) return keyspace;
  }
  std::erase_if(keyspaces_, [](const auto& entry) { return entry.second.expired(); });
  auto keyspace = std::make_shared<RedisKeyspace>(client_, prefix_, name);
  keyspaces_.insert_or_assign(std::string(name), keyspace);
  return keyspace;
}

}  // namespace nimbus::keyvalue
