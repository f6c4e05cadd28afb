#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace nimbus::keyvalue {

// What one call may carry, whatever the backend.
inline constexpr std::size_t kMaxBucketNameBytes = 256;
inline constexpr std::size_t kMaxKeyBytes = 4096;
inline constexpr std::size_t kMaxValueBytes = 16 << 20;
inline constexpr std::size_t kMaxBatchKeys = 10'000;
inline constexpr std::size_t kMaxBatchResultBytes = 64 << 20;
// Of one keyspace.
inline constexpr std::size_t kMaxBuckets = 10'000;
// A page of keys ends at the first of these.
inline constexpr std::size_t kMaxPageKeys = 1000;
inline constexpr std::size_t kMaxPageBytes = 256 << 10;

// Of one keyspace in memory, where each takes memory of its own, which its store counts.
inline constexpr std::size_t kMaxMemoryBuckets = 1000;
inline constexpr std::uint64_t kMemoryBucketBytes = 16 << 10;

// What an entry costs beyond its key and value, as quotas count it.
inline constexpr std::uint64_t kEntryOverheadBytes = 128;
[[nodiscard]] constexpr std::uint64_t entryCost(std::size_t key_bytes, std::size_t value_bytes) {
  return key_bytes + value_bytes + kEntryOverheadBytes;
}

// kNotFound: no bucket can have such a name.
[[nodiscard]] Result<void> checkBucketName(std::string_view name);
// kInvalidArgument with the limit.
[[nodiscard]] Result<void> checkKey(std::string_view key);
[[nodiscard]] Result<void> checkValue(std::size_t bytes);
[[nodiscard]] Result<void> checkBatch(std::size_t keys);

// The counter after adding to the value `stored`. kInvalidArgument if it is no number in decimal
// digits, or the sum does not fit.
[[nodiscard]] Result<std::uint64_t> addToCounter(std::string_view stored, std::uint64_t delta);

// Errors of several backends, worded once.
[[nodiscard]] std::unexpected<Error> failQuota(std::string_view what, std::uint64_t limit);
[[nodiscard]] std::unexpected<Error> failBatchResult();

}  // namespace nimbus::keyvalue
