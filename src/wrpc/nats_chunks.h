#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/byte_chain.h"

namespace nimbus::wrpc {

// Cuts a chain into messages: large pieces are given out as they are, small ones are gathered.
class NatsChunks {
 public:
  NatsChunks() = default;
  explicit NatsChunks(ByteChain chain) : chain_(std::move(chain)), left_(chain_.size()) {}

  [[nodiscard]] bool empty() const { return left_ == 0; }
  [[nodiscard]] std::size_t size() const { return left_; }

  // The next bytes, at most `limit_bytes` of them and at least one if there is one; valid until the
  // next call.
  [[nodiscard]] ByteView next(std::size_t limit_bytes) [[clang::lifetimebound]] {
    if (left_ == 0 || limit_bytes == 0) return {};
    const ByteView piece = rest();
    if (piece.size() >= std::min(limit_bytes, kAloneBytes) || piece.size() == left_) {
      return take(piece.first(std::min(piece.size(), limit_bytes)));
    }
    gathered_.clear();
    while (left_ > 0 && gathered_.size() < std::min(limit_bytes, kAloneBytes)) {
      const ByteView part = rest();
      const ByteView taken =
          take(part.first(std::min(part.size(), limit_bytes - gathered_.size())));
      gathered_.insert(gathered_.end(), taken.begin(), taken.end());
    }
    return gathered_;
  }

 private:
  static constexpr std::size_t kAloneBytes = 32 * 1024;

  [[nodiscard]] ByteView rest() const { return chain_.piece(piece_).subspan(offset_); }
  ByteView take(ByteView view) {
    left_ -= view.size();
    offset_ += view.size();
    if (offset_ == chain_.piece(piece_).size()) {
      piece_ += 1;
      offset_ = 0;
    }
    return view;
  }

  ByteChain chain_;
  std::size_t left_ = 0;
  std::size_t piece_ = 0;
  std::size_t offset_ = 0;
  std::vector<std::uint8_t> gathered_;
};

}  // namespace nimbus::wrpc
