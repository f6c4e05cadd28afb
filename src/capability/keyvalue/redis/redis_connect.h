#pragma once

#include <memory>

#include "base/result.h"
#include "base/task.h"
#include "capability/keyvalue/redis/redis_options.h"
#include "capability/keyvalue/redis/redis_place.h"
#include "capability/keyvalue/redis/redis_wire.h"
#include "net/resolver.h"
#include "net/shard.h"
#include "net/tls.h"

namespace nimbus::keyvalue {

// What is connected to, and by what.
struct RedisTarget {
  RedisOptions options;
  RedisPlace place;
  std::shared_ptr<net::TlsClientContext> tls;  // null unless the place wants it
};

// Connects, shows the password, chooses the database, and sees that commands would be answered; all
// of it within the target's connect_timeout. kPermissionDenied (the server does not let us in),
// kUnavailable, kNotFound (no such name), kInvalidArgument (no such database), kProtocol, kIo, and
// those of the file of the password. No message holds a secret. `resolver` lives longer.
[[nodiscard]] Task<Result<std::unique_ptr<RedisWire>>> connectToRedis(
    net::Shard& shard, net::Resolver& resolver, std::shared_ptr<const RedisTarget> target);

}  // namespace nimbus::keyvalue
