#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "nats/connect_options.h"
#include "net/shard.h"
#include "wrpc/provider_server.h"

namespace nimbus::wash {

// A built-in provider on its own, with whatever it keeps open.
struct ServedProvider {
  std::shared_ptr<void> store;
  wrpc::ServedFunctions functions;
};

using ProviderConfig = std::map<std::string, std::string, std::less<>>;

enum class ProviderKind {
  kKeyValueSqlite,  // path (of the database), max-bytes, max-keys
  kKeyValueMemory,  // max-bytes, max-keys
  kKeyValueRedis,   // url, password-file, prefix, ca-file, max-bytes, max-keys
  kKeyValueNats     // prefix, storage, replicas, max-bytes, max-keys
};

// Where a provider is made, and lives.
struct ProviderSurroundings {
  net::ShardGroup& shards;
  const nats::ConnectOptions& nats;  // where keyvalue-nats keeps what it is given
  Logger& log;
};

// Whether the provider can be made so, as far as that is known before anything is opened.
// kInvalidArgument: a key that it does not know, one that is missing, or a value that is wrong.
[[nodiscard]] Result<void> checkServedProvider(ProviderKind kind, const ProviderConfig& config);

// Makes it; may block. Not from a shard's thread, nor is it to be destroyed there. The same errors,
// and those of the database or the server.
[[nodiscard]] Result<ServedProvider> makeServedProvider(ProviderKind kind,
                                                        const ProviderConfig& config,
                                                        const ProviderSurroundings& around);

}  // namespace nimbus::wash
