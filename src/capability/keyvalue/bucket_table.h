#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>

#include "capability/keyvalue/store.h"

namespace nimbus::keyvalue {

// The buckets of a keyspace that have been opened, by name, for as long as the keyspace. Any
// thread.
class BucketTable {
 public:
  // Null if it has not been opened.
  [[nodiscard]] std::shared_ptr<Bucket> find(std::string_view name) const {
    const std::shared_lock lock(mutex_);
    const auto found = buckets_.find(name);
    return found == buckets_.end() ? nullptr : found->second;
  }
  // What `make` gives, unless another was faster.
  template <typename Make>
  [[nodiscard]] std::shared_ptr<Bucket> keep(std::string name, Make make) {
    const std::lock_guard lock(mutex_);
    const auto at = buckets_.try_emplace(std::move(name)).first;
    if (at->second == nullptr) at->second = make();
    return at->second;
  }

 private:
  mutable std::shared_mutex mutex_;
  std::map<std::string, std::shared_ptr<Bucket>, std::less<>> buckets_;
};

}  // namespace nimbus::keyvalue
