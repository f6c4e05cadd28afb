#include "host/calls/idle_instances.h"

#include <algorithm>

#include "host/calls/shard_runtime.h"

namespace nimbus::host {

void IdleInstances::add(Entry& entry, Quota& own) {
  remove(entry);
  entry.own_ = &own;
  idle_.push_back(entry);
}

void IdleInstances::ask(const Quota& quota) {
  if (quota.oneExpected()) return;
  const std::size_t others = peers_ == nullptr ? 0 : peers_->size() - 1;
  shard_.post([self = self_, asked = &quota, others] {
    if (*self != nullptr) (*self)->askOn(asked, others);
  });
}

// The quota may be gone by now: it is looked for, not looked at.
void IdleInstances::askOn(const Quota* quota, std::size_t others) {
  if (giveUpOne(quota) || others == 0 || (*peers_)[shard_.index()]->closing) return;
  ShardRuntime* const next = (*peers_)[(shard_.index() + 1) % peers_->size()];
  next->shard.post([next, quota, others] { next->idle.askOn(quota, others - 1); });
}

bool IdleInstances::giveUpOne(const Quota* quota) {
  Quota& host = host_.quota();
  const bool is_hosts = quota == &host;
  if (is_hosts && (host.oneExpected() || host_.giveSpare())) return true;
  const auto found = std::ranges::find_if(
      idle_, [&](const Entry& entry) { return is_hosts || entry.own_ == quota; });
  if (found == idle_.end()) return false;
  Entry& oldest = *found;
  Quota& freed = is_hosts ? host : *oldest.own_;
  if (freed.oneExpected()) return true;
  idle_.erase(found);
  freed.expectOne();
  oldest.give_up();
  return true;
}

}  // namespace nimbus::host
