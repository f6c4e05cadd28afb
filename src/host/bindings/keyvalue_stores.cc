#include "host/bindings/keyvalue_stores.h"

#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "capability/keyvalue/redis_store.h"
#include "capability/keyvalue/sqlite_store.h"

namespace nimbus::host {
namespace {

constexpr std::string_view kSqlite = "keyvalue-sqlite";
constexpr std::string_view kMemory = "keyvalue-memory";
constexpr std::string_view kRedis = "keyvalue-redis";

}  // namespace

KeyvalueStores::KeyvalueStores(net::Shard& control, KeyvalueOptions options)
    : control_(control), options_(std::move(options)) {
  stores_.emplace(kMemory, std::make_unique<keyvalue::MemoryStore>(options_.memory));
}

KeyvalueStores::~KeyvalueStores() = default;

Task<Result<void>> KeyvalueStores::open(std::string provider) {
  if (stores_.contains(provider)) co_return Result<void>();
  CO_TRY(auto store, co_await make(provider));
  // Another workload may have opened it meanwhile.
  stores_.try_emplace(std::move(provider), std::move(store));
  co_return Result<void>();
}

Task<KeyvalueStores::Opened> KeyvalueStores::make(std::string provider) {
  if (provider == kSqlite) co_return co_await makeSqlite();
  if (provider == kRedis) co_return co_await makeRedis();
  co_return fail(ErrorCode::kUnsupported, fmt::format("this host has no store {}", provider));
}

Task<KeyvalueStores::Opened> KeyvalueStores::makeSqlite() {
  if (options_.database.empty())
    co_return fail(ErrorCode::kUnsupported,
                   "this host has no folder for keyvalue-sqlite to keep its data in; give it a "
                   "state folder, or name another provider");
  co_return co_await worker_.run<Opened>(control_, [path = options_.database]() -> Opened {
    return keyvalue::SqliteStore::open({.path = path});
  });
}

Task<KeyvalueStores::Opened> KeyvalueStores::makeRedis() {
  if (!options_.redis)
    co_return fail(
        ErrorCode::kUnsupported,
        "this host knows no server for keyvalue-redis; name one in keyvalue.redis of its "
        "configuration, or name another provider");
  co_return co_await worker_.run<Opened>(control_, [redis = *options_.redis]() -> Opened {
    return keyvalue::RedisStore::open(redis);
  });
}

const std::shared_ptr<keyvalue::Store>& KeyvalueStores::opened(std::string_view provider) const {
  const auto store = stores_.find(provider);
  NIMBUS_CHECK(store != stores_.end());
  return store->second;
}

std::shared_ptr<keyvalue::Keyspace> KeyvalueStores::keyspace(std::string_view provider,
                                                             std::string_view name) {
  return opened(provider)->keyspace(name);
}

std::function<std::string()> KeyvalueStores::problemOf(std::string_view provider) const {
  return [store = opened(provider)] { return store->problem(); };
}

keyvalue::Quota KeyvalueStores::defaultQuota(std::string_view provider) const {
  return provider == kMemory ? options_.memory_quota : options_.quota;
}

Result<void> checkRedisUrl(const std::string& url) {
  return keyvalue::checkRedisOptions({.url = url});
}

}  // namespace nimbus::host
