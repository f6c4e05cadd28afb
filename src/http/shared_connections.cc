#include "http/shared_connections.h"

#include <algorithm>

namespace nimbus::http {

std::shared_ptr<Quota> ClientConnections::quotaOf(const std::string& key) {
  constexpr std::size_t kLeastSweep = 64;
  const std::lock_guard lock(mutex_);
  if (quotas_.size() >= sweep_at_) {
    std::erase_if(quotas_, [](const auto& entry) { return entry.second.expired(); });
    sweep_at_ = std::max(kLeastSweep, 2 * quotas_.size());
  }
  std::weak_ptr<Quota>& known = quotas_[key];
  auto quota = known.lock();
  if (!quota) known = quota = std::make_shared<Quota>(limit_);
  return quota;
}

}  // namespace nimbus::http
