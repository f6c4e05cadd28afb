#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace nimbus::wrpc {

// How many bytes many calls may hold together. Any thread.
class ByteBudget {
 public:
  explicit ByteBudget(std::size_t limit_bytes) : limit_bytes_(limit_bytes) {}
  ByteBudget(const ByteBudget&) = delete;
  ByteBudget& operator=(const ByteBudget&) = delete;

  [[nodiscard]] std::size_t usedBytes() const {
    return used_bytes_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] bool hasRoom(std::size_t bytes) const {
    return bytes <= limit_bytes_ - usedBytes();
  }

  // What one holder has of it; gives it back when it goes. One thread at a time. Without a budget
  // everything may be held.
  class Share {
   public:
    explicit Share(std::shared_ptr<ByteBudget> budget) : budget_(std::move(budget)) {}
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;
    ~Share() { release(held_bytes_); }

    // False, and nothing is held more, if that is too much.
    [[nodiscard]] bool hold(std::size_t more_bytes) {
      if (budget_ == nullptr) return true;
      if (!budget_->take(more_bytes)) return false;
      held_bytes_ += more_bytes;
      return true;
    }
    // At most what is held.
    void release(std::size_t bytes) {
      if (budget_ == nullptr) return;
      held_bytes_ -= bytes;
      budget_->used_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
    }
    void releaseAll() { release(held_bytes_); }
    [[nodiscard]] bool hasRoom(std::size_t bytes) const {
      return budget_ == nullptr || budget_->hasRoom(bytes);
    }

   private:
    const std::shared_ptr<ByteBudget> budget_;
    std::size_t held_bytes_ = 0;
  };

 private:
  [[nodiscard]] bool take(std::size_t bytes) {
    std::size_t used = usedBytes();
    do {
      if (bytes > limit_bytes_ - used) return false;
    } while (!used_bytes_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
    return true;
  }

  const std::size_t limit_bytes_;
  std::atomic<std::size_t> used_bytes_ = 0;
};

}  // namespace nimbus::wrpc
