#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>

namespace nimbus::host {

// A map of entries that expire by themselves (`bool expired() const`, as weak pointers have it).
// Expired ones are swept out when there are twice as many entries as the last sweep left: however
// many entries there are, one more costs no more.
template <typename Entry>
class ExpiringMap {
 public:
  // The entry of that key, made now if there is none; it may have expired.
  [[nodiscard]] Entry& operator[](const std::string& key) {
    if (entries_.size() >= sweep_at_) {
      std::erase_if(entries_, [](const auto& entry) { return entry.second.expired(); });
      sweep_at_ = std::max(kLeastSweep, 2 * entries_.size());
    }
    return entries_[key];
  }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  static constexpr std::size_t kLeastSweep = 64;

  std::map<std::string, Entry> entries_;
  std::size_t sweep_at_ = kLeastSweep;
};

}  // namespace nimbus::host
