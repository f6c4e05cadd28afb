#include "host/bindings/keyvalue_stores.h"

#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "capability/keyvalue/redis/redis_store.h"
#include "capability/keyvalue/sqlite/sqlite_store.h"

namespace nimbus::host {
namespace {

constexpr std::string_view kSqlite = "keyvalue-sqlite";
constexpr std::string_view kMemory = "keyvalue-memory";
constexpr std::string_view kRedis = "keyvalue-redis";
constexpr std::string_view kNats = "keyvalue-nats";

}  // namespace

KeyvalueStores::KeyvalueStores(net::Shard& control, KeyvalueOptions options, Logger& log)
    : control_(control), options_(std::move(options)), log_(log) {
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
  if (provider == kNats) co_return co_await connectNats();
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

Task<KeyvalueStores::Opened> KeyvalueStores::connectNats() {
  nats::ConnectOptions server = options_.nats.server.value_or(nats::ConnectOptions());
  server.name += "-keyvalue";
  auto connected =
      co_await keyvalue::NatsStore::connect(control_, std::move(server), options_.nats.store, log_);
  if (!connected)
    co_return fail(connected.error().code(), "cannot reach the NATS server of keyvalue-nats",
                   std::move(connected).error());
  co_return *std::move(connected);
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
  if (provider == kMemory) return options_.memory_quota;
  return provider == kNats ? options_.nats.quota : options_.quota;
}

Result<void> checkRedisUrl(const std::string& url) {
  return keyvalue::checkRedisOptions({.url = url});
}

}  // namespace nimbus::host
