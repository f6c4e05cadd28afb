#pragma once

#include <atomic>
#include <cstdint>
#include <limits>

namespace nimbus::keyvalue {

// An amount that may be taken up to a limit, from any thread at once.
class Allowance {
 public:
  static constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

  explicit Allowance(std::uint64_t limit) : limit_(limit) {}

  // False, and nothing taken, if that would exceed the limit.
  [[nodiscard]] bool take(std::uint64_t amount) {
    std::uint64_t used = used_.load(std::memory_order_relaxed);
    do {
      const std::uint64_t limit = limit_.load(std::memory_order_relaxed);
      if (used > limit || amount > limit - used) return false;
    } while (!used_.compare_exchange_weak(used, used + amount, std::memory_order_relaxed));
    return true;
  }
  void give(std::uint64_t amount) { used_.fetch_sub(amount, std::memory_order_relaxed); }

  [[nodiscard]] std::uint64_t used() const { return used_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t limit() const { return limit_.load(std::memory_order_relaxed); }
  void setLimit(std::uint64_t limit) { limit_.store(limit, std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> used_ = 0;
  std::atomic<std::uint64_t> limit_;
};

}  // namespace nimbus::keyvalue
