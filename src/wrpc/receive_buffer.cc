#include "wrpc/receive_buffer.h"

#include <algorithm>

#include "base/check.h"

namespace nimbus::wrpc {

// Behind what is shared, if that is still half of the memory; else at the front of one's own.
std::span<std::uint8_t> ReceiveBuffer::room() {
  const bool shared = memory_.use_count() > 1;
  if (!shared) used_ = 0;
  if (capacity_ < wanted_bytes_ || (shared && used_ > capacity_ / 2)) {
    memory_ = std::make_shared_for_overwrite<std::uint8_t[]>(wanted_bytes_);
    capacity_ = wanted_bytes_;
    used_ = 0;
  }
  return {memory_.get() + used_, capacity_ - used_};
}

Task<Result<std::size_t>> ReceiveBuffer::fill(net::Stream& stream) {
  NIMBUS_CHECK(unread_.empty());
  const std::span<std::uint8_t> into = room();
  CO_TRY(const std::size_t count, co_await stream.read(into));
  unread_ = into.first(count);
  used_ += count;
  if (count == into.size()) wanted_bytes_ = std::min(capacity_ * kGrowth, max_bytes_);
  co_return count;
}

Bytes ReceiveBuffer::share(ByteView part) const {
  if (part.size() < capacity_ / kSharedPart) return {};
  return {part, memory_};
}

}  // namespace nimbus::wrpc
