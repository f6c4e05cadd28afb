#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/quota.h"
#include "net/shard_peers.h"

namespace nimbus::http {

// What the servers of one listener on all shards share.
struct ListenerConnections {
  explicit ListenerConnections(std::size_t limit) : quota(limit) {}

  Quota quota;
  net::ShardPeers servers;
};

// What the clients of all shards share: how many connections there may be for each isolation key,
// and who else may have idle ones. Any thread.
class ClientConnections {
 public:
  explicit ClientConnections(std::size_t limit_per_key) : limit_(limit_per_key) {}

  [[nodiscard]] std::shared_ptr<Quota> quotaOf(const std::string& key);
  [[nodiscard]] std::size_t limit() const { return limit_; }
  [[nodiscard]] net::ShardPeers& clients() { return clients_; }

 private:
  const std::size_t limit_;
  net::ShardPeers clients_;
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<Quota>> quotas_;  // under the mutex
  std::size_t sweep_at_ = 64;                           // likewise
};

}  // namespace nimbus::http
