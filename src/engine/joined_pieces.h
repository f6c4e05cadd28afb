#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace nimbus::engine {

// Content that waits for its reader, in order. Large pieces are shared; small ones are copied
// together, however many there are: so its memory follows its bytes, which is all that windows
// count. A reader gives back what a piece has, which is what all that it consists of had.
class JoinedPieces {
 public:
  // From this size on a piece is shared. No two neighbours are both smaller.
  static constexpr std::size_t kShareBytes = 2048;

  [[nodiscard]] bool empty() const { return pieces_.empty() && tail_.empty(); }
  [[nodiscard]] std::size_t count() const { return pieces_.size() + (tail_.empty() ? 0 : 1); }
  [[nodiscard]] std::size_t bytes() const {
    std::size_t total = tail_.size();
    for (const Bytes& piece : pieces_) total += piece.size();
    return total;
  }

  // Copies, whatever the size.
  void append(ByteView bytes) { tail_.append(asText(bytes)); }
  void append(Bytes piece) {
    if (piece.size() < kShareBytes) return append(piece.view());
    sealTail();
    pieces_.push_back(std::move(piece));
  }
  void append(JoinedPieces behind) {
    if (empty()) {
      *this = std::move(behind);
      return;
    }
    for (Bytes& piece : behind.pieces_) append(std::move(piece));
    append(asBytes(behind.tail_));
  }

  // The first piece; nothing if it is empty.
  [[nodiscard]] std::optional<Bytes> take() {
    if (pieces_.empty()) sealTail();
    if (pieces_.empty()) return std::nullopt;
    Bytes first = std::move(pieces_.front());
    pieces_.erase(pieces_.begin());  // there are few
    return first;
  }
  [[nodiscard]] std::vector<Bytes> takeAll() {
    sealTail();
    return std::exchange(pieces_, {});
  }

 private:
  void sealTail() {
    if (!tail_.empty()) pieces_.push_back(Bytes::take(std::exchange(tail_, {})));
  }

  std::vector<Bytes> pieces_;
  std::string tail_;  // behind them, still grows
};

}  // namespace nimbus::engine
