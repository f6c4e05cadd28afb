#pragma once

#include <mutex>

#include "capability/keyvalue/store.h"

namespace nimbus::keyvalue {

// The quota of a keyspace, changed on one thread and read on others.
class SharedQuota {
 public:
  [[nodiscard]] Quota get() const {
    const std::lock_guard lock(mutex_);
    return quota_;
  }
  void set(const Quota& quota) {
    const std::lock_guard lock(mutex_);
    quota_ = quota;
  }

 private:
  mutable std::mutex mutex_;
  Quota quota_;
};

}  // namespace nimbus::keyvalue
