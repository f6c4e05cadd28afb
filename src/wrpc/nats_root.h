#pragma once

#include <cstddef>

#include "base/byte_chain.h"
#include "base/result.h"
#include "nats/message.h"
#include "wrpc/invoker.h"
#include "wrpc/measuring_budget.h"

namespace nimbus::wrpc {

// The root channel of one direction as it arrives, and whether it is complete: as soon as the tuple
// decodes, if its types are known, else once it has ended or a sub-channel has begun.
class NatsRoot {
 public:
  // `shape` may be null and outlives the root.
  NatsRoot(const TupleShape* shape, std::size_t max_bytes)
      : shape_(shape), max_bytes_(max_bytes), measuring_(max_bytes) {}

  // A message; an empty one ends the channel. What follows the end is ignored. kProtocol: bytes
  // behind the tuple, or an end within it. kResourceExhausted: more than max_bytes.
  [[nodiscard]] Result<void> push(nats::Message message);
  // Something has arrived for a sub-channel.
  void channelBegan() { complete_ |= shape_ == nullptr; }
  // Whether what has arrived so far is already all; for parameters, which may be none.
  [[nodiscard]] Result<void> check();

  [[nodiscard]] bool complete() const { return complete_; }
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] ByteChain take() { return std::move(bytes_); }

 private:
  [[nodiscard]] Result<void> end();

  const TupleShape* shape_;
  const std::size_t max_bytes_;
  ByteChain bytes_;
  MeasuringBudget measuring_;
  std::size_t largest_message_ = 0;
  bool complete_ = false;
  bool ended_ = false;
};

}  // namespace nimbus::wrpc
