#include "host/bindings/provider_reach.h"

namespace nimbus::host {

void ProviderReach::failed(const Error& error) {
  // The latter where a server in between says that nobody listens.
  if (error.code() != ErrorCode::kUnavailable && error.code() != ErrorCode::kNotFound) return;
  const std::lock_guard lock(mutex_);
  problem_ = error.describe();
  missing_.store(true, std::memory_order_relaxed);
}

std::string ProviderReach::problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

void ProviderReach::clear() {
  const std::lock_guard lock(mutex_);
  problem_.clear();
  missing_.store(false, std::memory_order_relaxed);
}

}  // namespace nimbus::host
