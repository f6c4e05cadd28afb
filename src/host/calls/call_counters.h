#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

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
  // One more, unless there are `most` already.
  [[nodiscard]] static std::optional<Counted> below(std::uint64_t most,
                                                    std::atomic<std::uint64_t>& count) {
    if (count.fetch_add(1, std::memory_order_relaxed) < most) return Counted(&count);
    count.fetch_sub(1, std::memory_order_relaxed);
    return std::nullopt;
  }
  Counted(Counted&& other) noexcept : count_(other.count_) { other.count_ = nullptr; }
  Counted& operator=(Counted&&) = delete;
  ~Counted() {
    if (count_ != nullptr) count_->fetch_sub(1, std::memory_order_relaxed);
  }

 private:
  // That has been counted already.
  explicit Counted(std::atomic<std::uint64_t>* count) : count_(count) {}

  std::atomic<std::uint64_t>* count_;
};

}  // namespace nimbus::host
