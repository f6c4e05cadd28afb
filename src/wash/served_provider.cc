#include "wash/served_provider.h"

#include <algorithm>
#include <initializer_list>
#include <optional>

#include "base/text.h"
#include "capability/keyvalue/keyvalue.h"
#include "capability/keyvalue/memory_store.h"
#include "capability/keyvalue/sqlite_store.h"

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

Result<ServedProvider> serve(std::shared_ptr<keyvalue::Store> store, const ProviderConfig& config) {
  const auto keyspace = store->keyspace(kKeyspace);
  keyvalue::Quota quota;
  TRY(quota.max_bytes, numberIn(config, "max-bytes"));
  TRY(quota.max_keys, numberIn(config, "max-keys"));
  keyspace->limit(quota);
  const auto invoker = keyvalue::serveKeyValue(keyspace);
  return ServedProvider{std::move(store), {.invoker = invoker, .functions = invoker->functions()}};
}

Result<ServedProvider> serveSqlite(const ProviderConfig& config) {
  TRY_VOID(checkKeys(config, {"path", "max-bytes", "max-keys"}));
  const auto path = config.find("path");
  if (path == config.end() || path->second.empty())
    return fail(ErrorCode::kInvalidArgument, "keyvalue-sqlite needs --config path=FILE");
  TRY(auto store, keyvalue::SqliteStore::open({.path = path->second}));
  return serve(std::move(store), config);
}

Result<ServedProvider> serveMemory(const ProviderConfig& config) {
  TRY_VOID(checkKeys(config, {"max-bytes", "max-keys"}));
  using Lifetime = keyvalue::MemoryStoreOptions::Lifetime;
  return serve(std::make_shared<keyvalue::MemoryStore>(
                   keyvalue::MemoryStoreOptions{.lifetime = Lifetime::kOfTheStore}),
               config);
}

}  // namespace

Result<ServedProvider> makeServedProvider(std::string_view name, const ProviderConfig& config) {
  if (name == "keyvalue-sqlite") return serveSqlite(config);
  if (name == "keyvalue-memory") return serveMemory(config);
  return fail(ErrorCode::kInvalidArgument,
              "there is no provider \"" + std::string(name) +
                  "\"; those that can be served are keyvalue-sqlite and keyvalue-memory");
}

}  // namespace nimbus::wash
