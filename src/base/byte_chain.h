#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace nimbus {

// A sequence of bytes in pieces: small writes are collected, large ones are shared and never
// copied. Chains of up to kInlineBytes that were only copied into need no allocation, and one large
// piece behind so much takes one. Cheap to move; not copyable (share() makes a second one over the
// same memory).
class ByteChain {
 public:
  static constexpr std::size_t kInlineBytes = 64;
  // From this size on, sharing a piece beats copying it.
  static constexpr std::size_t kShareBytes = 1024;

  ByteChain() = default;
  explicit ByteChain(Bytes bytes) { append(std::move(bytes)); }
  // The inline bytes always move as a whole: a copy of known size beats asking for the size.
  ByteChain(ByteChain&& other) noexcept
      : size_(std::exchange(other.size_, 0)),
        inline_size_(std::exchange(other.inline_size_, 0)),
        inline_(other.inline_),
        rest_(std::move(other.rest_)) {}
  ByteChain& operator=(ByteChain&& other) noexcept {
    if (this == &other) return *this;
    size_ = std::exchange(other.size_, 0);
    inline_size_ = std::exchange(other.inline_size_, 0);
    inline_ = other.inline_;
    rest_ = std::move(other.rest_);
    return *this;
  }
  ByteChain(const ByteChain&) = delete;
  ByteChain& operator=(const ByteChain&) = delete;
  ~ByteChain() = default;

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

  // Copies the bytes behind what is there.
  void append(ByteView bytes);
  void append(std::uint8_t byte) {
    if (rest_ || inline_size_ == kInlineBytes) return append(ByteView(&byte, 1));
    inline_[inline_size_++] = byte;
    ++size_;
  }
  // Shares the memory, or copies what is small.
  void append(Bytes bytes);
  void append(ByteChain chain);

  // Its pieces in order, none of them empty; valid until the chain changes or moves.
  [[nodiscard]] std::size_t pieceCount() const;
  [[nodiscard]] ByteView piece(std::size_t index) const [[clang::lifetimebound]];
  // The same as something that can outlive the chain; copies only what lies inline.
  [[nodiscard]] Bytes sharePiece(std::size_t index) const;
  // The bytes [offset, offset + count) of that piece likewise.
  [[nodiscard]] Bytes sharePiece(std::size_t index, std::size_t offset, std::size_t count) const;

  // All of it in one piece; copies if there are several. The view is valid until the chain changes.
  [[nodiscard]] ByteView flatten() [[clang::lifetimebound]];
  [[nodiscard]] Bytes toBytes() const;
  [[nodiscard]] ByteChain share() const;

 private:
  // Shared pieces in order. The first few need no memory of their own.
  class Pieces {
   public:
    [[nodiscard]] std::size_t count() const { return count_; }
    [[nodiscard]] Bytes& operator[](std::size_t index) {
      return index < kFew ? few_[index] : more_[index - kFew];
    }
    void add(Bytes piece);

   private:
    static constexpr std::size_t kFew = 2;
    std::size_t count_ = 0;
    std::array<Bytes, kFew> few_;
    std::vector<Bytes> more_;
  };
  // What follows the inline bytes.
  struct Rest {
    Pieces pieces;
    std::vector<std::uint8_t> tail;  // still grows
  };

  [[nodiscard]] Rest& rest();
  [[nodiscard]] ByteView inlineBytes() const { return {inline_.data(), inline_size_}; }
  // The shared piece at that position among all, null if it is not a shared one.
  [[nodiscard]] const Bytes* sharedPiece(std::size_t index) const;
  void sealTail();
  [[nodiscard]] std::vector<std::uint8_t> gather() const;

  std::size_t size_ = 0;
  std::size_t inline_size_ = 0;
  std::array<std::uint8_t, kInlineBytes> inline_;
  std::unique_ptr<Rest> rest_;
};

}  // namespace nimbus
