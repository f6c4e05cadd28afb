#include "host/calls/shard_guests.h"

namespace nimbus::host {

Result<std::unique_ptr<ShardGuests>> ShardGuests::create(
    ShardRuntime& shard, const std::shared_ptr<ComponentRuntime>& component) {
  std::unique_ptr<ShardGuests> guests(new ShardGuests());
  std::vector<std::shared_ptr<ComponentRuntime>> members{component};
  members.insert(members.end(), component->inside.begin(), component->inside.end());
  std::vector<std::unique_ptr<engine::GuestContext>> parts;
  for (const auto& member : members) {
    auto host = guests->hosts_.emplace_back(std::make_shared<ShardGuestHost>(shard, member));
    TRY(auto part,
        engine::GuestContext::create(shard.shard, member->context_options, std::move(host)));
    parts.push_back(std::move(part));
  }
  if (parts.size() == 1) {
    guests->context_ = std::move(parts.front());
  } else {
    TRY(guests->context_, engine::GuestContext::join(parts));
  }
  return guests;
}

ShardGuests::~ShardGuests() {
  for (const auto& host : hosts_) host->stop();
}

}  // namespace nimbus::host
