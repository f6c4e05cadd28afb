#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

namespace nimbus {

// A count of things that the whole host may have at once, such as instances. Any thread.
class Quota {
 public:
  explicit Quota(std::uint64_t limit) : limit_(limit), free_(static_cast<std::int64_t>(limit)) {}
  Quota(const Quota&) = delete;
  Quota& operator=(const Quota&) = delete;

  // Takes up to `wanted`, as many as are free.
  [[nodiscard]] std::uint64_t take(std::uint64_t wanted);
  void give(std::uint64_t count);

  [[nodiscard]] std::uint64_t limit() const { return limit_; }

  // Calls back, from whatever thread gives, once something is free again.
  void notifyOnce(std::function<void()> freed);
  [[nodiscard]] bool someoneWaits() const { return someone_waits_.load(); }

  // One is about to be given, until any is.
  void expectOne() { one_expected_.store(true); }
  [[nodiscard]] bool oneExpected() const { return one_expected_.load(); }

 private:
  const std::uint64_t limit_;
  std::atomic<std::int64_t> free_;
  std::atomic<bool> someone_waits_{false};
  std::atomic<bool> one_expected_{false};
  std::mutex mutex_;
  std::vector<std::function<void()>> waiting_;  // under the mutex
};

}  // namespace nimbus
