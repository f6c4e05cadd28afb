#pragma once

#include <atomic>
#include <mutex>
#include <string>

#include "base/result.h"

namespace nimbus::host {

// Whether a provider elsewhere can be reached, by what calls of it and attempts to reach it have
// met. Any thread.
class ProviderReach {
 public:
  // A call failed. Only that nobody is there says something about the provider; all else is between
  // it and the caller.
  void failed(const Error& error);
  // Somebody is there.
  void found() {
    if (missing()) clear();
  }

  [[nodiscard]] bool missing() const { return missing_.load(std::memory_order_relaxed); }
  // Why it cannot be reached; empty: nothing is known to be wrong.
  [[nodiscard]] std::string problem() const;

 private:
  void clear();

  std::atomic<bool> missing_{false};
  mutable std::mutex mutex_;
  std::string problem_;  // under the mutex
};

}  // namespace nimbus::host
