#pragma once

#include <cstddef>
#include <utility>

namespace nimbus::wrpc {

// How many bytes many connections of one shard may hold together. Outlives its shares.
class ByteBudget {
 public:
  explicit ByteBudget(std::size_t limit_bytes) : limit_bytes_(limit_bytes) {}
  ByteBudget(const ByteBudget&) = delete;
  ByteBudget& operator=(const ByteBudget&) = delete;

  [[nodiscard]] std::size_t limitBytes() const { return limit_bytes_; }
  [[nodiscard]] std::size_t usedBytes() const { return used_bytes_; }

  // What one connection holds of it; gives it back when it goes.
  class Share {
   public:
    explicit Share(ByteBudget& budget) : budget_(budget) {}
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;
    ~Share() { budget_.used_bytes_ -= held_bytes_; }

    // False, and nothing is held more, if that is too much.
    [[nodiscard]] bool hold(std::size_t more_bytes) {
      if (more_bytes > budget_.limit_bytes_ - budget_.used_bytes_) return false;
      budget_.used_bytes_ += more_bytes;
      held_bytes_ += more_bytes;
      return true;
    }

   private:
    ByteBudget& budget_;
    std::size_t held_bytes_ = 0;
  };

 private:
  std::size_t limit_bytes_;
  std::size_t used_bytes_ = 0;
};

}  // namespace nimbus::wrpc
