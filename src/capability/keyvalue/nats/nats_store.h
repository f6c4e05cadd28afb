#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "base/task.h"
#include "capability/keyvalue/keyspace_table.h"
#include "capability/keyvalue/store.h"
#include "nats/connection.h"

namespace nimbus::keyvalue {

struct NatsParts;

struct NatsStoreOptions {
  // What the names of its key-value buckets begin with: letters, digits and "-".
  std::string prefix = "nimbus";
  // Of streams that are made; those that are there stay as they are.
  enum class Storage { kFile, kMemory };
  Storage storage = Storage::kFile;
  std::size_t replicas = 1;
  // After which a request is given up.
  Duration timeout = std::chrono::seconds(5);
};

inline constexpr std::size_t kMaxNatsReplicas = 5;  // a server's own limit

// kInvalidArgument.
[[nodiscard]] Result<void> checkNatsStore(const NatsStoreOptions& options);

// Keys and values in the JetStream of a NATS server, as key-value buckets of it
// (docs/formats/keyvalue-nats.md): one for each keyspace, so that all hosts that use the server
// share them. A write that completed has been stored by the server. Quotas are limits of the
// keyspace's stream, which the server enforces and counts in its own way.
//
// May be destroyed before its keyspaces; all of them end before the shards. On the way it waits for
// the shards, so that it should be destroyed on none of them, or after its calls have ended.
class NatsStore final : public Store {
 public:
  // On the shard that is to be the home of the connection. kInvalidArgument, kUnavailable,
  // kPermissionDenied. Whether the server has JetStream, calls will tell.
  [[nodiscard]] static Task<Result<std::unique_ptr<NatsStore>>> connect(net::Shard& home,
                                                                        nats::ConnectOptions server,
                                                                        NatsStoreOptions options,
                                                                        Logger& logger);

  std::shared_ptr<Keyspace> keyspace(std::string_view name) override;
  [[nodiscard]] std::string problem() const override;

 private:
  explicit NatsStore(std::shared_ptr<NatsParts> parts) : parts_(std::move(parts)) {}

  const std::shared_ptr<NatsParts> parts_;
  KeyspaceTable keyspaces_;
};

}  // namespace nimbus::keyvalue
