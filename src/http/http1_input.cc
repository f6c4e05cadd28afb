#include "http/http1_input.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "base/check.h"

namespace nimbus::http {
namespace {

constexpr std::size_t kSmallestBlock = 8 * 1024;
// A smaller piece is copied: it must not keep a whole block alive.
constexpr std::size_t kSmallestShared = 4 * 1024;
// With less room than this at the block's end it is worth moving what is left to the front.
constexpr std::size_t kSmallestRead = 2 * 1024;

}  // namespace

InputBuffer::InputBuffer(std::size_t max_bytes)
    : max_bytes_(std::max<std::size_t>(max_bytes, 4 * 1024)),
      next_capacity_(std::min(max_bytes_, kSmallestBlock)) {}

void InputBuffer::moveTo(std::size_t capacity) {
  auto block = std::make_shared_for_overwrite<std::uint8_t[]>(capacity);
  if (!empty()) std::memcpy(block.get(), block_.get() + begin_, size());
  block_ = std::move(block);
  capacity_ = capacity;
  end_ -= begin_;
  begin_ = 0;
}

bool InputBuffer::wantsMore() const {
  return size() <= max_bytes_ / 2 || capacity_ - end_ >= kSmallestRead;
}

// Pieces may be dropped on other threads: their last reads come before what is written here next.
bool InputBuffer::isShared() const {
  if (block_.use_count() > 1) return true;
  std::atomic_thread_fence(std::memory_order_acquire);
  return false;
}

std::span<std::uint8_t> InputBuffer::prepare() {
  if (empty()) {
    begin_ = end_ = 0;
    if (capacity_ < next_capacity_ || isShared()) moveTo(next_capacity_);
  } else if (capacity_ - end_ < kSmallestRead) {
    const bool grow = size() + kSmallestRead > capacity_;
    if (grow) next_capacity_ = std::min(std::max(next_capacity_, 2 * capacity_), max_bytes_);
    if (grow || isShared()) {
      moveTo(std::max(next_capacity_, size() + kSmallestRead));
    } else {
      std::memmove(block_.get(), block_.get() + begin_, size());
      end_ -= begin_;
      begin_ = 0;
    }
  }
  return {block_.get() + end_, capacity_ - end_};
}

void InputBuffer::commit(std::size_t count) {
  NIMBUS_CHECK_OP(count, <=, capacity_ - end_);
  end_ += count;
  // A read that filled its block: the peer has more to say.
  if (end_ == capacity_) next_capacity_ = std::min(2 * capacity_, max_bytes_);
}

void InputBuffer::consume(std::size_t count) {
  NIMBUS_CHECK_OP(count, <=, size());
  begin_ += count;
}

void InputBuffer::append(std::string_view bytes) {
  if (bytes.empty()) return;
  if (capacity_ - end_ < bytes.size()) {
    moveTo(std::max(size() + bytes.size(), next_capacity_));
  }
  std::memcpy(block_.get() + end_, bytes.data(), bytes.size());
  end_ += bytes.size();
}

Bytes InputBuffer::share(std::string_view part) const {
  if (part.size() < kSmallestShared) return Bytes::copyOf(part);
  return {asBytes(part), block_};
}

void InputBuffer::release() {
  if (!empty()) return;
  block_.reset();
  capacity_ = begin_ = end_ = 0;
  next_capacity_ = std::min(max_bytes_, kSmallestBlock);
}

}  // namespace nimbus::http
