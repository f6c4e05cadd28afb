#include <fmt/format.h>

#include "host/host_config_reader.h"

// The part of a host's configuration that says where keys and values are kept.
namespace nimbus::host {
namespace {

keyvalue::RedisOptions readRedis(ConfigContext& context, YamlMap map) {
  keyvalue::RedisOptions redis;
  map.require("url");
  redis.url = map.text("url").value_or("");
  readPath(context, map, "passwordFile", redis.password_file);
  if (const auto prefix = map.text("prefix")) {
    if (const auto good = keyvalue::checkRedisPrefix(*prefix)) {
      redis.prefix = *prefix;
    } else {
      map.problem("prefix", fmt::format("{}: {}", map.pathOf("prefix"), good.error().message()));
    }
  }
  takeDuration(map, "connectTimeout", redis.connect_timeout);
  takeDuration(map, "responseTimeout", redis.response_timeout);
  if (const auto good = keyvalue::checkRedisOptions(redis); map.find("url") != nullptr && !good)
    map.problem("url", fmt::format("{}: {}", map.pathOf("url"), good.error().message()));
  map.finish();
  return redis;
}

void readNats(HostConfig& config, YamlMap map) {
  keyvalue::NatsStoreOptions& store = config.keyvalue_nats;
  if (const auto prefix = map.text("prefix")) store.prefix = *prefix;
  if (const auto good = keyvalue::checkNatsStore(store); !good)
    map.problem("prefix", fmt::format("{}: {}", map.pathOf("prefix"), good.error().message()));
  if (map.word("storage", {"file", "memory"}) == "memory")
    store.storage = keyvalue::NatsStoreOptions::Storage::kMemory;
  takeNumber(map, "replicas", {1, keyvalue::kMaxNatsReplicas}, store.replicas);
  takeDuration(map, "timeout", store.timeout);
  if (const auto mib = map.number("maxMb", {0, kMaxMb}))
    config.keyvalue_nats_bytes = *mib == 0 ? std::nullopt : std::optional(*mib * kMiB);
  map.finish();
}

}  // namespace

void readKeyValue(ConfigContext& context, YamlMap map) {
  HostConfig& config = context.config;
  keyvalue::Quota& quota = config.keyvalue_quota;
  if (const auto mib = map.number("maxMb", {1, kMaxMb})) quota.max_bytes = *mib * kMiB;
  if (const auto keys = map.number("maxKeys", {1, UINT64_MAX})) quota.max_keys = *keys;
  takeBytes(map, "memoryMaxMb", kMiB, {1, kMaxMb}, config.keyvalue_memory_bytes);
  takeBytes(map, "memoryTotalMb", kMiB, {1, kMaxMb}, config.keyvalue_memory.max_bytes);
  if (auto nats = map.map("nats")) readNats(config, *std::move(nats));
  if (auto redis = map.map("redis")) config.keyvalue_redis = readRedis(context, *std::move(redis));
  map.finish();
}

}  // namespace nimbus::host
