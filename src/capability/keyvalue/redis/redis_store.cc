#include "capability/keyvalue/redis/redis_store.h"

#include <utility>

#include <fmt/format.h>

#include "base/escape.h"
#include "capability/keyvalue/bucket_table.h"
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
    if (auto found = buckets_.find(name)) return Result<std::shared_ptr<Bucket>>(std::move(found));
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
    co_return self->buckets_.keep(name, [&] {
      return std::make_shared<RedisBucket>(self->client_, self->quota_, self->names_, name);
    });
  }

  const std::shared_ptr<RedisClient> client_;
  const RedisKeyspaceNames names_;
  const std::shared_ptr<SharedQuota> quota_ = std::make_shared<SharedQuota>();
  BucketTable buckets_;
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
  return keyspaces_.get(name,
                        [&] { return std::make_shared<RedisKeyspace>(client_, prefix_, name); });
}

}  // namespace nimbus::keyvalue
