#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "net/shard.h"

namespace nimbus::net {

// What has a part on each of several shards, and asks the other parts for something: that they give
// up what idles, so that it may have one more of what all of them share.
class ShardPeers {
 public:
  using Asked = std::function<void(const std::string& what)>;

  // One part, from join() on; made and destroyed on its shard, before the peers.
  class Member {
   public:
    Member(const Member&) = delete;
    Member& operator=(const Member&) = delete;
    ~Member();

    // Calls the others back, each on its own shard and in a later turn, unless they are gone then.
    void askOthers(const std::string& what);

   private:
    friend class ShardPeers;
    struct Part {
      Shard& shard;
      Asked asked;
      bool gone = false;  // on its shard only
    };
    Member(ShardPeers& peers, std::shared_ptr<Part> part);

    ShardPeers& peers_;
    const std::shared_ptr<Part> part_;
  };

  ShardPeers() = default;
  ShardPeers(const ShardPeers&) = delete;
  ShardPeers& operator=(const ShardPeers&) = delete;

  [[nodiscard]] std::unique_ptr<Member> join(Shard& shard, Asked asked);

 private:
  std::mutex mutex_;
  std::vector<std::shared_ptr<Member::Part>> parts_;  // under the mutex
};

}  // namespace nimbus::net
