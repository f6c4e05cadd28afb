#include "wrpc/nats_sessions.h"

#include <utility>

namespace nimbus::wrpc {

NatsSessions::NatsSessions(net::Shard& shard, Invoker& invoker, Duration lease,
                           std::size_t max_consumers)
    : shard_(shard), invoker_(invoker), lease_(lease), max_consumers_(max_consumers) {}

// Parts cannot contain control characters.
std::string NatsSessions::keyOf(const Consumer& consumer) {
  return consumer.workload + "\n" + consumer.component + "\n" + consumer.binding + "\n" +
         consumer.link_name;
}

NatsSessions::Entry& NatsSessions::of(Consumer consumer) {
  const bool named = !consumer.workload.empty() || !consumer.component.empty() ||
                     !consumer.binding.empty() || !consumer.link_name.empty();
  if (!named) return open(nameless_, {});
  std::string key = keyOf(consumer);
  if (const auto found = entries_.find(key); found != entries_.end()) {
    by_use_.splice(by_use_.end(), by_use_, found->second.place);
    return found->second;
  }
  if (entries_.size() >= max_consumers_ && !makeRoom()) return open(nameless_, {});
  Entry& entry = entries_[key];
  entry.place = by_use_.insert(by_use_.end(), &entry);
  keys_[&entry] = std::move(key);
  return open(entry, std::move(consumer));
}

NatsSessions::Entry& NatsSessions::open(Entry& entry, Consumer consumer) {
  if (entry.session) return entry;
  consumer.lease = lease_;
  entry.consumer = std::make_shared<const Consumer>(std::move(consumer));
  entry.session = invoker_.open(shard_, entry.consumer);
  return entry;
}

bool NatsSessions::makeRoom() {
  for (const auto& entry : by_use_) {
    if (entry->calls > 0 || entry->session->inUse()) continue;
    const auto key = keys_.extract(entry);
    by_use_.erase(entry->place);
    entries_.erase(key.mapped());
    return true;
  }
  return false;
}

}  // namespace nimbus::wrpc
