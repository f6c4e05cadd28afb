#pragma once

#include <atomic>
#include <cstdint>

namespace nimbus::host {

// What one component of one deployment has done and is doing, summed over the shards. Any thread.
struct CallCounters {
  std::atomic<std::uint64_t> instances{0};
  std::atomic<std::uint64_t> in_flight{0};
  std::atomic<std::uint64_t> queued{0};
  std::atomic<std::uint64_t> total{0};
  std::atomic<std::uint64_t> failures{0};
};

// One more of something for as long as this lives.
class Counted {
 public:
  explicit Counted(std::atomic<std::uint64_t>& count) : count_(&count) {
    count_->fetch_add(1, std::memory_order_relaxed);
  }
  Counted(Counted&& other) noexcept : count_(other.count_) { other.count_ = nullptr; }
  Counted& operator=(Counted&&) = delete;
  ~Counted() {
    if (count_ != nullptr) count_->fetch_sub(1, std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t>* count_;
};

}  // namespace nimbus::host
