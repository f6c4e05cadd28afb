#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"

namespace nimbus::keyvalue {

// A part of a bucket in memory: the entries whose keys hash to it. Not synchronised; MemoryBucket
// locks. Each entry keeps its slot until it is removed, which is what cursors count.
class MemoryStripe {
 public:
  // A key with its hash, so that it is hashed once per call.
  struct Key {
    std::string_view text;
    std::uint64_t hash;
    friend bool operator==(const Key& a, const Key& b) { return a.text == b.text; }
  };

  // The value, or null; valid until the stripe changes.
  [[nodiscard]] const Bytes* find(const Key& key) const;

  // Returns the value that was there before: whoever has unlocked lets it go.
  Bytes set(const Key& key, Bytes value);
  // Nothing if there is no such key.
  std::optional<Bytes> remove(const Key& key);

  // Appends the keys of slots from `slot` on while `take` returns true; returns the slot of the
  // key that it refused, or nothing at the end.
  template <typename Take>
  std::optional<std::uint32_t> listFrom(std::uint32_t slot, Take take) const {
    for (; slot < slots_.size(); ++slot) {
      if (slots_[slot].used && !take(slots_[slot].key)) return slot;
    }
    return std::nullopt;
  }

 private:
  struct Slot {
    std::string key;
    Bytes value;
    bool used = false;
  };
  struct HashOfKey {
    std::size_t operator()(const Key& key) const noexcept { return key.hash; }
  };

  std::uint32_t freeSlot();

  std::deque<Slot> slots_;  // addresses stay, so that the index can refer to the keys
  std::vector<std::uint32_t> free_;
  std::unordered_map<Key, std::uint32_t, HashOfKey> index_;
};

}  // namespace nimbus::keyvalue
