#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace nimbus {

// A sequence of bytes in pieces: small writes are collected, large ones are shared and never
// copied. Chains of up to kInlineBytes that were only copied into need no allocation. Movable, not
// copyable (share() makes a second one over the same memory).
class ByteChain {
 public:
  static constexpr std::size_t kInlineBytes = 64;
  // From this size on, sharing a piece beats copying it.
  static constexpr std::size_t kShareBytes = 1024;

  ByteChain() = default;
  explicit ByteChain(Bytes bytes) { append(std::move(bytes)); }
  ByteChain(ByteChain&& other) noexcept;
  ByteChain& operator=(ByteChain&& other) noexcept;
  ByteChain(const ByteChain&) = delete;
  ByteChain& operator=(const ByteChain&) = delete;
  ~ByteChain() = default;

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

  // Copies the bytes behind what is there.
  void append(ByteView bytes);
  void append(std::uint8_t byte) { append(ByteView(&byte, 1)); }
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
  // Either everything lies in inline_ (pieces_ is empty), or everything lies in pieces_, the last
  // of which may be tail_, a buffer that still grows.
  void spill();
  void sealTail();

  std::size_t size_ = 0;
  std::array<std::uint8_t, kInlineBytes> inline_;
  std::vector<Bytes> pieces_;
  std::vector<std::uint8_t> tail_;
};

}  // namespace nimbus
