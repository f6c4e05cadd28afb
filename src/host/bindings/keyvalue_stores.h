#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/log.h"
#include "base/result.h"
#include "base/task.h"
#include "capability/keyvalue/memory/memory_store.h"
#include "capability/keyvalue/nats/nats_store.h"
#include "capability/keyvalue/redis/redis_options.h"
#include "capability/keyvalue/store.h"
#include "nats/connect_options.h"
#include "net/blocking_worker.h"
#include "net/shard.h"

namespace nimbus::host {

// Of keyvalue-nats.
struct NatsKeyvalueOptions {
  // Nothing: the servers of providers at nats:PREFIX.
  std::optional<nats::ConnectOptions> server;
  keyvalue::NatsStoreOptions store;
  keyvalue::Quota quota;  // of a keyspace, where the manifest's entry says nothing
};

struct KeyvalueOptions {
  // What serves wasi:keyvalue where a manifest names no provider.
  std::string default_provider = "keyvalue-sqlite";
  // Where keyvalue-sqlite keeps its data; empty: this host has none.
  std::string database;
  keyvalue::MemoryStoreOptions memory;
  // The server of keyvalue-redis; none: this host has none.
  std::optional<keyvalue::RedisOptions> redis;
  // Of a keyspace, where the manifest's entry says nothing.
  keyvalue::Quota quota;
  keyvalue::Quota memory_quota;  // instead, in keyvalue-memory
  NatsKeyvalueOptions nats;
};

// The stores of wasi:keyvalue that live in this host, by the names of their providers as manifests
// have them (host/manifest/capability_catalog.cc). The one in memory is there; each other is opened
// by the first workload that uses it, and stays open. On the control shard; may be destroyed on
// another thread once no task runs.
//
//   CO_TRY_VOID(co_await stores.open("keyvalue-sqlite"));
//   const auto keyspace = stores.keyspace("keyvalue-sqlite", "workload/default/shop");
class KeyvalueStores {
 public:
  KeyvalueStores(net::Shard& control, KeyvalueOptions options, Logger& log);
  KeyvalueStores(const KeyvalueStores&) = delete;
  KeyvalueStores& operator=(const KeyvalueStores&) = delete;
  ~KeyvalueStores();

  [[nodiscard]] const std::string& defaultProvider() const { return options_.default_provider; }

  // kUnsupported: this host has no such store; and the errors of the store.
  [[nodiscard]] Task<Result<void>> open(std::string provider);

  // open() of that provider came before.
  [[nodiscard]] std::shared_ptr<keyvalue::Keyspace> keyspace(std::string_view provider,
                                                             std::string_view name);

  // Why calls fail at present, as far as is known; else empty. Likewise; any thread, and longer
  // than this object lives.
  [[nodiscard]] std::function<std::string()> problemOf(std::string_view provider) const;

  // Of a keyspace, where nothing else is said.
  [[nodiscard]] keyvalue::Quota defaultQuota(std::string_view provider) const;

 private:
  using Opened = Result<std::unique_ptr<keyvalue::Store>>;

  [[nodiscard]] Task<Opened> make(std::string provider);
  [[nodiscard]] Task<Opened> makeSqlite();
  [[nodiscard]] Task<Opened> makeRedis();
  [[nodiscard]] Task<Opened> connectNats();
  [[nodiscard]] const std::shared_ptr<keyvalue::Store>& opened(std::string_view provider) const;

  net::Shard& control_;
  const KeyvalueOptions options_;
  Logger& log_;
  std::map<std::string, std::shared_ptr<keyvalue::Store>, std::less<>> stores_;
  net::BlockingWorker worker_;  // opens stores
};

// Whether that can be the URL of a Redis server, as capability/keyvalue/redis/redis_place.h has
// them. kInvalidArgument; the message does not repeat it, for it may hold a password.
[[nodiscard]] Result<void> checkRedisUrl(const std::string& url);

}  // namespace nimbus::host
