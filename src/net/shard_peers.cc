#include "net/shard_peers.h"

#include <utility>

namespace nimbus::net {

ShardPeers::Member::Member(ShardPeers& peers, std::shared_ptr<Part> part)
    : peers_(peers), part_(std::move(part)) {
  const std::lock_guard lock(peers_.mutex_);
  peers_.parts_.push_back(part_);
}

ShardPeers::Member::~Member() {
  part_->gone = true;
  const std::lock_guard lock(peers_.mutex_);
  std::erase(peers_.parts_, part_);
}

// Under the mutex: who is among the parts has a shard that still runs.
void ShardPeers::Member::askOthers(const std::string& what) {
  const std::lock_guard lock(peers_.mutex_);
  for (const auto& part : peers_.parts_) {
    if (part == part_) continue;
    part->shard.post([part, what] {
      if (!part->gone) part->asked(what);
    });
  }
}

std::unique_ptr<ShardPeers::Member> ShardPeers::join(Shard& shard, Asked asked) {
  return std::unique_ptr<Member>(
      new Member(*this, std::make_shared<Member::Part>(shard, std::move(asked))));
}

}  // namespace nimbus::net
