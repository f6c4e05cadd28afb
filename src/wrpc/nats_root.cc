#include "wrpc/nats_root.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace nimbus::wrpc {
Result<void> NatsRoot::push(nats::Message message) {
  if (ended_) return {};
  const std::size_t count = message.payload().size();
  if (count == 0) return end();
  if (complete_) return fail(ErrorCode::kProtocol, "there are bytes behind the values");
  if (bytes_.size() + count > max_bytes_) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("values of more than {} bytes", max_bytes_));
  }
  if (count < ByteChain::kShareBytes) {
    bytes_.append(message.payload());
  } else {
    bytes_.append(std::move(message).takePayload());
  }
  const bool smaller = count < largest_message_;
  largest_message_ = std::max(largest_message_, count);
  // Senders fill their messages, so one that is smaller than those before it may be the last.
  if (!measuring_.isEager(bytes_.size()) && !smaller) return {};
  return check();
}

Result<void> NatsRoot::check() {
  if (shape_ == nullptr || complete_) return {};
  TRY_VOID(measuring_.spend(bytes_.size()));
  TRY(const auto size, shape_->measure(bytes_));
  if (!size) return {};
  if (*size < bytes_.size()) {
    return fail(ErrorCode::kProtocol, "there are bytes behind the values");
  }
  complete_ = true;
  return {};
}

Result<void> NatsRoot::end() {
  ended_ = true;
  TRY_VOID(check());
  if (shape_ != nullptr && !complete_) {
    return fail(ErrorCode::kProtocol, "the values end too early");
  }
  complete_ = true;
  return {};
}

}  // namespace nimbus::wrpc
