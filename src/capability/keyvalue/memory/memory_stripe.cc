#include "capability/keyvalue/memory/memory_stripe.h"

#include <utility>

namespace nimbus::keyvalue {

const Bytes* MemoryStripe::find(const Key& key) const {
  const auto found = index_.find(key);
  return found == index_.end() ? nullptr : &slots_[found->second].value;
}

std::uint32_t MemoryStripe::freeSlot() {
  if (!free_.empty()) {
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    return slot;
  }
  slots_.emplace_back();
  return static_cast<std::uint32_t>(slots_.size() - 1);
}

Bytes MemoryStripe::set(const Key& key, Bytes value) {
  if (const auto found = index_.find(key); found != index_.end()) {
    return std::exchange(slots_[found->second].value, std::move(value));
  }
  const std::uint32_t at = freeSlot();
  Slot& slot = slots_[at];
  slot = {std::string(key.text), std::move(value), true};
  index_.emplace(Key{slot.key, key.hash}, at);
  return {};
}

std::optional<Bytes> MemoryStripe::remove(const Key& key) {
  const auto found = index_.find(key);
  if (found == index_.end()) return std::nullopt;
  const std::uint32_t at = found->second;
  index_.erase(found);
  Bytes value = std::move(slots_[at].value);
  slots_[at] = {};
  free_.push_back(at);
  if (index_.empty()) {  // the memory of a burst is given back
    slots_.clear();
    free_.clear();
  }
  return value;
}

}  // namespace nimbus::keyvalue
