#pragma once

#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/sync.h"
#include "engine/poller.h"
#include "host/calls/idle_instances.h"
#include "host/calls/quota_lease.h"
#include "http/client.h"
#include "net/resolver.h"
#include "net/shard.h"

namespace nimbus::host {

// What all deployments use on one shard. Made and destroyed there.
struct ShardRuntime {
  // `peers`: all serving shards by index, once requests come; null: there is no other.
  ShardRuntime(net::Shard& own_shard, std::size_t shards, Quota& host_instances,
               net::Resolver& names, http::Client& outgoing,
               const std::vector<ShardRuntime*>* peers = nullptr)
      : shard(own_shard),
        shard_count(shards),
        poller(own_shard),
        instances(host_instances, shards),
        idle(own_shard, instances, peers),
        resolver(names),
        client(outgoing) {}

  net::Shard& shard;
  const std::size_t shard_count;
  engine::Poller poller;
  QuotaLease instances;
  IdleInstances idle;
  net::Resolver& resolver;
  http::Client& client;
  // Nothing crosses to other shards any more: they may go once all are closing and have done what
  // was posted until then.
  bool closing = false;
  TaskSet forwarded;  // requests that other shards accepted; first to go
};

}  // namespace nimbus::host
