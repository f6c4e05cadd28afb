#include "base/quota.h"

#include <algorithm>
#include <utility>

namespace nimbus {

std::uint64_t Quota::take(std::uint64_t wanted) {
  std::int64_t available = free_.load(std::memory_order_relaxed);
  while (available > 0) {
    const auto taken = std::min(available, static_cast<std::int64_t>(wanted));
    if (free_.compare_exchange_weak(available, available - taken)) {
      return static_cast<std::uint64_t>(taken);
    }
  }
  return 0;
}

void Quota::give(std::uint64_t count) {
  free_.fetch_add(static_cast<std::int64_t>(count));
  if (one_expected_.load(std::memory_order_relaxed)) one_expected_.store(false);
  if (!someone_waits_.load()) return;
  std::vector<std::function<void()>> waiting;
  {
    const std::lock_guard lock(mutex_);
    waiting.swap(waiting_);
    someone_waits_.store(false);
  }
  for (const auto& freed : waiting) freed();
}

void Quota::notifyOnce(std::function<void()> freed) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(freed));
    someone_waits_.store(true);
  }
  // Something may have been given between the failed take and the registration.
  if (free_.load() > 0) give(0);
}

}  // namespace nimbus
