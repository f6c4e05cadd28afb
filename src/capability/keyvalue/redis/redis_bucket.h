#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "capability/keyvalue/redis/redis_client.h"
#include "capability/keyvalue/redis/redis_keys.h"
#include "capability/keyvalue/shared_quota.h"
#include "capability/keyvalue/store.h"

namespace nimbus::keyvalue {

// A bucket in a Redis server: a hash of its values, and beside it an index, so that keys can be
// listed page by page. Every call is one command, or one script, of which a server runs one at a
// time: what changes together changes at once.
class RedisBucket final : public Bucket {
 public:
  RedisBucket(std::shared_ptr<RedisClient> client, std::shared_ptr<SharedQuota> quota,
              const RedisKeyspaceNames& names, std::string_view bucket);

  Eventual<Result<std::optional<Bytes>>> get(std::string_view key) override;
  Eventual<Result<void>> set(std::string_view key, ByteView value) override;
  Eventual<Result<void>> remove(std::string_view key) override;
  Eventual<Result<bool>> exists(std::string_view key) override;
  Eventual<Result<KeyPage>> listKeys(std::optional<std::uint64_t> cursor) override;
  Eventual<Result<std::uint64_t>> increment(std::string_view key, std::uint64_t delta) override;
  Eventual<Result<Values>> getMany(std::vector<std::string> keys) override;
  Eventual<Result<void>> setMany(std::vector<Entry> entries) override;
  Eventual<Result<void>> removeMany(std::vector<std::string> keys) override;

 private:
  // A script that changes the bucket; its arguments are added.
  [[nodiscard]] RedisCommand change(const RedisScript& script) const;
  // The same with the quotas as the first arguments.
  [[nodiscard]] RedisCommand growth(const RedisScript& script, const Quota& quota) const;

  const std::shared_ptr<RedisClient> client_;
  const std::shared_ptr<SharedQuota> quota_;
  const Bytes values_;
  const Bytes index_;
  const Bytes usage_;
};

}  // namespace nimbus::keyvalue
