#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/sync.h"
#include "wrpc/invoker.h"

// Streams for tests, as they are on the wire.
namespace nimbus::engine {

using Piece = Result<std::optional<ByteChain>>;

inline std::string leb(std::uint32_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7U) bytes.push_back(static_cast<char>(value | 0x80U));
  bytes.push_back(static_cast<char>(value));
  return bytes;
}

inline std::uint32_t fromLeb(std::string_view& bytes) {
  std::uint32_t value = 0;
  for (unsigned shift = 0;; shift += 7) {
    const auto byte = static_cast<std::uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    value |= (byte & 0x7fU) << shift;
    if (byte < 0x80) return value;
  }
}

// Gives the pieces that it has, one for each read; then waits, or says that it has ended.
class Pieces final : public wrpc::ByteSource {
 public:
  struct Script {
    std::deque<std::string> pieces;
    bool waits = false;  // rather than end
    Event more;
    int reads = 0;
    bool closed = false;

    void add(std::string piece) {
      pieces.push_back(std::move(piece));
      more.set();
    }
  };

  explicit Pieces(std::shared_ptr<Script> script) : script_(std::move(script)) {}
  ~Pieces() override { script_->closed = true; }

  Eventual<Piece> read() override {
    ++script_->reads;
    if (script_->pieces.empty() && script_->waits) return later();
    return next();
  }

 private:
  Task<Piece> later() {
    script_->more.clear();
    co_await script_->more.wait();
    co_return next();
  }
  Piece next() {
    if (script_->pieces.empty()) return std::nullopt;
    ByteChain piece;
    piece.append(asBytes(script_->pieces.front()));
    script_->pieces.pop_front();
    return piece;
  }

  std::shared_ptr<Script> script_;
};

// Bytes that count from 0 up, in lists of so many, and the end.
class Counting final : public wrpc::ByteSource {
 public:
  Counting(std::size_t total, std::size_t chunk) : left_(total), chunk_(chunk) {}
  Eventual<Piece> read() override {
    if (ended_) return Piece(std::nullopt);
    const std::size_t count = std::min(left_, chunk_);
    std::string piece = leb(static_cast<std::uint32_t>(count));
    for (std::size_t i = 0; i < count; ++i) piece.push_back(static_cast<char>(at_++));
    left_ -= count;
    ended_ = count == 0;
    ByteChain bytes;
    bytes.append(asBytes(piece));
    return Piece(std::move(bytes));
  }

 private:
  std::size_t left_;
  std::size_t chunk_;
  std::uint8_t at_ = 0;
  bool ended_ = false;
};

}  // namespace nimbus::engine
