#pragma once

#include <cstddef>
#include <optional>

#include "base/byte_chain.h"
#include "base/result.h"
#include "wrpc/invoker.h"

// For tests of what a peer's values cost.
namespace nimbus::wrpc {

// A tuple of so many bytes, which notes what looking for its end has cost.
class CountingShape final : public TupleShape {
 public:
  explicit CountingShape(std::size_t bytes) : bytes_(bytes) {}
  Result<std::optional<std::size_t>> measure(const ByteChain& bytes) const override {
    cost += bytes.size();
    return bytes.size() < bytes_ ? std::nullopt : std::optional(bytes_);
  }
  mutable std::size_t cost = 0;

 private:
  const std::size_t bytes_;
};

}  // namespace nimbus::wrpc
