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
  std::vector<Waiter> waiting;
  {
    const std::lock_guard lock(mutex_);
    waiting.swap(waiting_);
    someone_waits_.store(false);
  }
  for (const Waiter& waiter : waiting) waiter.told(false);
}

void Quota::notifyOnce(std::function<void()> freed) {
  notifyOnce(nullptr, [freed = std::move(freed)](bool) { freed(); });
}

void Quota::notifyOnce(const void* who, std::function<void(bool handed)> told) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({who, std::move(told)});
    someone_waits_.store(true);
  }
  // Something may have been given between the failed take and the registration.
  if (free_.load() > 0) give(0);
}

// Under the mutex.
std::vector<Quota::Waiter>::iterator Quota::findOther(const void* who) {
  return std::ranges::find_if(
      waiting_, [who](const Waiter& waiter) { return waiter.who != nullptr && waiter.who != who; });
}

bool Quota::othersWait(const void* who) {
  if (!someoneWaits()) return false;
  const std::lock_guard lock(mutex_);
  return findOther(who) != waiting_.end();
}

bool Quota::handOver(const void* who) {
  Waiter next;
  {
    const std::lock_guard lock(mutex_);
    const auto found = findOther(who);
    if (found == waiting_.end()) return false;
    next = std::move(*found);
    waiting_.erase(found);
    someone_waits_.store(!waiting_.empty());
  }
  next.told(true);
  return true;
}

}  // namespace nimbus
