#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/bytes.h"

namespace nimbus::http {

// Bytes received and not yet used, in one block. Pieces of the content can be handed out without
// copying: they share the block, and the buffer takes a new one as long as they live. Holds no
// memory after release() until prepare().
class InputBuffer {
 public:
  // Blocks start small and grow up to `max_bytes` while reads fill them.
  explicit InputBuffer(std::size_t max_bytes);

  [[nodiscard]] bool empty() const { return begin_ == end_; }
  [[nodiscard]] std::size_t size() const { return end_ - begin_; }
  // There is room to read into without moving much: false while more than half of the most is
  // unused and the block is at its end.
  [[nodiscard]] bool wantsMore() const;
  [[nodiscard]] std::string_view view() const [[clang::lifetimebound]] {
    return {reinterpret_cast<const char*>(block_.get()) + begin_, size()};
  }

  // Room to read into; call it only if wantsMore().
  [[nodiscard]] std::span<std::uint8_t> prepare() [[clang::lifetimebound]];
  void commit(std::size_t count);
  void consume(std::size_t count);
  void append(std::string_view bytes);

  // A part of view() that lives on: shares the block if it is large, else copies.
  [[nodiscard]] Bytes share(std::string_view part) const;

  // Gives the block back if it holds nothing.
  void release();

 private:
  [[nodiscard]] bool isShared() const;
  void moveTo(std::size_t capacity);

  const std::size_t max_bytes_;
  std::shared_ptr<std::uint8_t[]> block_;
  std::size_t capacity_ = 0;
  std::size_t next_capacity_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace nimbus::http
