#include "wash/host/served_provider.h"

#include <algorithm>
#include <initializer_list>
#include <optional>

#include "base/text.h"
#include "capability/keyvalue/keyvalue.h"
#include "capability/keyvalue/memory/memory_store.h"
#include "capability/keyvalue/nats/nats_store.h"
#include "capability/keyvalue/redis/redis_store.h"
#include "capability/keyvalue/sqlite/sqlite_store.h"

namespace nimbus::wash {
namespace {

// All consumers of a provider on its own share its buckets: it does not know who they are.
constexpr std::string_view kKeyspace = "provider";

Result<void> checkKeys(const ProviderConfig& config,
                       std::initializer_list<std::string_view> known) {
  for (const auto& [key, value] : config) {
    if (std::ranges::find(known, key) != known.end()) continue;
    std::string message = "the provider has no configuration " + key;
    if (const auto near = nearestKey(key, known)) message += "; did you mean " + std::string(*near);
    return fail(ErrorCode::kInvalidArgument, std::move(message));
  }
  return {};
}

Result<std::optional<std::uint64_t>> numberIn(const ProviderConfig& config, std::string_view key) {
  const auto found = config.find(key);
  if (found == config.end()) return std::nullopt;
  if (const auto number = parseDecimal(found->second)) return number;
  return fail(ErrorCode::kInvalidArgument,
              found->first + "=" + found->second + ": expected a number");
}

Result<keyvalue::Quota> quotaOf(const ProviderConfig& config) {
  keyvalue::Quota quota;
  TRY(quota.max_bytes, numberIn(config, "max-bytes"));
  TRY(quota.max_keys, numberIn(config, "max-keys"));
  return quota;
}

Result<keyvalue::NatsStoreOptions> natsStoreOf(const ProviderConfig& config) {
  using Storage = keyvalue::NatsStoreOptions::Storage;
  keyvalue::NatsStoreOptions options;
  if (const auto prefix = config.find("prefix"); prefix != config.end())
    options.prefix = prefix->second;
  if (const auto storage = config.find("storage"); storage != config.end()) {
    if (storage->second != "file" && storage->second != "memory")
      return fail(ErrorCode::kInvalidArgument,
                  "storage=" + storage->second + ": expected file or memory");
    options.storage = storage->second == "file" ? Storage::kFile : Storage::kMemory;
  }
  TRY(const auto replicas, numberIn(config, "replicas"));
  options.replicas = replicas.value_or(1);
  TRY_VOID(keyvalue::checkNatsStore(options));
  return options;
}

Result<std::unique_ptr<keyvalue::Store>> connectNats(const ProviderConfig& config,
                                                     const ProviderSurroundings& around) {
  TRY(const keyvalue::NatsStoreOptions options, natsStoreOf(config));
  Result<std::unique_ptr<keyvalue::Store>> store = nullptr;
  around.shards.runTask(0, [&](net::Shard& shard) -> Task<void> {
    store = co_await keyvalue::NatsStore::connect(shard, around.nats, options, around.log);
  });
  return store;
}

ServedProvider serve(std::shared_ptr<keyvalue::Store> store, const keyvalue::Quota& quota) {
  const auto keyspace = store->keyspace(kKeyspace);
  keyspace->limit(quota);
  const auto invoker = keyvalue::serveKeyValue(keyspace);
  return {std::move(store), {.invoker = invoker, .functions = invoker->functions()}};
}

Result<void> checkPath(const ProviderConfig& config) {
  const auto path = config.find("path");
  if (path != config.end() && !path->second.empty()) return {};
  return fail(ErrorCode::kInvalidArgument, "keyvalue-sqlite needs --config path=FILE");
}

Result<keyvalue::RedisOptions> redisOptionsOf(const ProviderConfig& config) {
  const auto textIn = [&](std::string_view key) -> std::optional<std::string> {
    const auto found = config.find(key);
    return found == config.end() ? std::nullopt : std::optional(found->second);
  };
  keyvalue::RedisOptions options;
  const auto url = textIn("url");
  if (!url || url->empty())
    return fail(ErrorCode::kInvalidArgument, "keyvalue-redis needs --config url=redis://HOST");
  options.url = *url;
  options.password_file = textIn("password-file").value_or("");
  options.prefix = textIn("prefix").value_or(options.prefix);
  if (const auto file = textIn("ca-file")) options.tls.extra_ca_paths.push_back(*file);
  TRY_VOID(keyvalue::checkRedisOptions(options));
  return options;
}

}  // namespace

Result<void> checkServedProvider(ProviderKind kind, const ProviderConfig& config) {
  switch (kind) {
    case ProviderKind::kKeyValueSqlite:
      TRY_VOID(checkKeys(config, {"path", "max-bytes", "max-keys"}));
      TRY_VOID(checkPath(config));
      break;
    case ProviderKind::kKeyValueMemory:
      TRY_VOID(checkKeys(config, {"max-bytes", "max-keys"}));
      break;
    case ProviderKind::kKeyValueRedis:
      TRY_VOID(checkKeys(config,
                         {"url", "password-file", "prefix", "ca-file", "max-bytes", "max-keys"}));
      TRY_VOID(redisOptionsOf(config));
      break;
    case ProviderKind::kKeyValueNats:
      TRY_VOID(checkKeys(config, {"prefix", "storage", "replicas", "max-bytes", "max-keys"}));
      TRY_VOID(natsStoreOf(config));
      break;
  }
  TRY_VOID(quotaOf(config));
  return {};
}

Result<ServedProvider> makeServedProvider(ProviderKind kind, const ProviderConfig& config,
                                          const ProviderSurroundings& around) {
  TRY_VOID(checkServedProvider(kind, config));
  TRY(const keyvalue::Quota quota, quotaOf(config));
  if (kind == ProviderKind::kKeyValueSqlite) {
    TRY(auto store, keyvalue::SqliteStore::open({.path = config.find("path")->second}));
    return serve(std::move(store), quota);
  }
  if (kind == ProviderKind::kKeyValueRedis) {
    TRY(const keyvalue::RedisOptions options, redisOptionsOf(config));
    TRY(auto store, keyvalue::RedisStore::open(options));
    return serve(std::move(store), quota);
  }
  if (kind == ProviderKind::kKeyValueNats) {
    TRY(auto store, connectNats(config, around));
    return serve(std::move(store), quota);
  }
  using Lifetime = keyvalue::MemoryStoreOptions::Lifetime;
  return serve(std::make_shared<keyvalue::MemoryStore>(
                   keyvalue::MemoryStoreOptions{.lifetime = Lifetime::kOfTheStore}),
               quota);
}

}  // namespace nimbus::wash
