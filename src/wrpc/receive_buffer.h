#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/result.h"
#include "base/task.h"
#include "net/stream.h"

namespace nimbus::wrpc {

// The memory that a connection receives into, so that large data can be handed on without a copy.
// Small at first; grows while the peer fills it. Memory that somebody shares is not written again.
class ReceiveBuffer {
 public:
  explicit ReceiveBuffer(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  // What was received and not consumed yet.
  [[nodiscard]] ByteView& unread() { return unread_; }
  // Receives more, once unread() is empty; 0: the peer has finished.
  [[nodiscard]] Task<Result<std::size_t>> fill(net::Stream& stream);
  // A part of what was received, shared if it is a good part of the memory that it would keep; or
  // an empty one: then it is better copied.
  [[nodiscard]] Bytes share(ByteView part) const;

 private:
  static constexpr std::size_t kFirstBytes = 4 * 1024;
  static constexpr std::size_t kGrowth = 4;
  static constexpr std::size_t kSharedPart = 4;  // at least a fourth

  std::span<std::uint8_t> room();

  const std::size_t max_bytes_;
  std::size_t wanted_bytes_ = kFirstBytes;
  std::shared_ptr<std::uint8_t[]> memory_;
  std::size_t capacity_ = 0;
  std::size_t used_ = 0;
  ByteView unread_;
};

}  // namespace nimbus::wrpc
