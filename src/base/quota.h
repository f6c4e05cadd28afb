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

  // Whether it is given back or not: the next ones wait for it.
  void takeAnyway(std::uint64_t count) { free_.fetch_sub(static_cast<std::int64_t>(count)); }
  [[nodiscard]] bool anyFree() const { return free_.load() > 0; }

  // Calls back, from whatever thread gives, once something is free again.
  void notifyOnce(std::function<void()> freed);
  // The same for one who has a name, and to whom another may hand over what he had taken.
  void notifyOnce(const void* who, std::function<void(bool handed)> told);
  // Hands one of what is taken to somebody else who waits under a name. False: nobody does.
  [[nodiscard]] bool handOver(const void* who);
  [[nodiscard]] bool othersWait(const void* who);
  [[nodiscard]] bool someoneWaits() const { return someone_waits_.load(); }

  // One is about to be given, until any is.
  void expectOne() { one_expected_.store(true); }
  [[nodiscard]] bool oneExpected() const { return one_expected_.load(); }

 private:
  const std::uint64_t limit_;
  std::atomic<std::int64_t> free_;
  std::atomic<bool> someone_waits_{false};
  std::atomic<bool> one_expected_{false};
  struct Waiter {
    const void* who = nullptr;
    std::function<void(bool handed)> told;
  };
  [[nodiscard]] std::vector<Waiter>::iterator findOther(const void* who);

  std::mutex mutex_;
  std::vector<Waiter> waiting_;  // under the mutex
};

}  // namespace nimbus
