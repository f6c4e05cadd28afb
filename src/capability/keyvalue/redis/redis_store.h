#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "capability/keyvalue/keyspace_table.h"
#include "capability/keyvalue/redis/redis_options.h"
#include "capability/keyvalue/store.h"

namespace nimbus::keyvalue {

class RedisClient;

// Keys and values in a Redis server (docs/formats/keyvalue-redis.md), which other hosts may share:
// a keyspace of the same name is the same one to all who have the same server, database and prefix.
// Whether what was acknowledged is on disk depends on that server's settings. May be destroyed
// before its keyspaces; who is last blocks until the connection is closed.
class RedisStore final : public Store {
 public:
  // Connects in the background: a server that is not there is kUnavailable of calls, and may come
  // later. kInvalidArgument, kIo (files of TLS, threads). Blocks.
  [[nodiscard]] static Result<std::unique_ptr<RedisStore>> open(const RedisOptions& options);

  std::shared_ptr<Keyspace> keyspace(std::string_view name) override;
  std::string problem() const override;

 private:
  RedisStore(std::shared_ptr<RedisClient> client, std::string prefix)
      : client_(std::move(client)), prefix_(std::move(prefix)) {}

  const std::shared_ptr<RedisClient> client_;
  const std::string prefix_;
  KeyspaceTable keyspaces_;
};

}  // namespace nimbus::keyvalue
