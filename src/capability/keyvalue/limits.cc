#include "capability/keyvalue/limits.h"

#include <limits>

#include <fmt/format.h>

#include "base/text.h"

namespace nimbus::keyvalue {

Result<void> checkBucketName(std::string_view name) {
  if (name.size() <= kMaxBucketNameBytes) return {};
  return fail(ErrorCode::kNotFound,
              fmt::format("a bucket's name has at most {} bytes", kMaxBucketNameBytes));
}

Result<void> checkKey(std::string_view key) {
  if (key.size() <= kMaxKeyBytes) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("a key of {} bytes; at most {} are allowed", key.size(), kMaxKeyBytes));
}

Result<void> checkValue(std::size_t bytes) {
  if (bytes <= kMaxValueBytes) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("a value of {} bytes; at most {} are allowed", bytes, kMaxValueBytes));
}

Result<void> checkBatch(std::size_t keys) {
  if (keys <= kMaxBatchKeys) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{} keys in one call; at most {} are allowed", keys, kMaxBatchKeys));
}

Result<std::uint64_t> addToCounter(std::string_view stored, std::uint64_t delta) {
  const auto value = parseDecimal(stored);
  if (!value) return fail(ErrorCode::kInvalidArgument, "the value is not a decimal number");
  if (delta > std::numeric_limits<std::uint64_t>::max() - *value) {
    return fail(ErrorCode::kInvalidArgument, "the counter would exceed 64 bits");
  }
  return *value + delta;
}

std::unexpected<Error> failQuota(std::string_view what, std::uint64_t limit) {
  return fail(ErrorCode::kResourceExhausted,
              fmt::format("the quota of {} {} is used up", limit, what));
}

std::unexpected<Error> failBatchResult() {
  return fail(ErrorCode::kResourceExhausted,
              fmt::format("the values of these keys have more than {} bytes together",
                          kMaxBatchResultBytes));
}

}  // namespace nimbus::keyvalue
