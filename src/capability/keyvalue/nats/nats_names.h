#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace nimbus::keyvalue {

// Keyspaces, buckets and keys as names that NATS takes, so that no two of them can meet and other
// clients of NATS' key-value convention (ADR-8) can use them. docs/formats/keyvalue-nats.md has the
// rules.

// What all names of a store begin with: letters, digits and "-", 1 to 32 of them.
// kInvalidArgument.
[[nodiscard]] Result<void> checkNatsPrefix(std::string_view prefix);

// The key-value bucket, in NATS' sense, that a keyspace is: "nimbus_workload__default__shop". Its
// stream is that with "KV_" before it.
[[nodiscard]] std::string natsBucketOf(std::string_view prefix, std::string_view keyspace);

// Where a key lies. A key that is too long for a subject lies at a hash of it, and is itself a
// header of its message.
struct NatsSubject {
  std::string text;
  std::string long_key;  // value of kNatsLongKeyHeader; empty: none is needed
};
inline constexpr const char* kNatsLongKeyHeader = "Nimbus-Key";

// The subjects of one of our buckets within the key-value bucket of its keyspace.
class NatsBucketSubjects {
 public:
  NatsBucketSubjects(std::string_view nats_bucket, std::string_view bucket);

  [[nodiscard]] NatsSubject of(std::string_view key) const;
  // The key at a subject, whose message has that header. Nothing if no key of ours lies there.
  [[nodiscard]] std::optional<std::string> keyAt(std::string_view subject,
                                                 std::optional<std::string_view> long_key) const;
  // All of them, as a filter.
  [[nodiscard]] std::string all() const { return before_ + ">"; }

 private:
  const std::string before_;  // each key: "$KV.nimbus_workload__default__shop.cart."
};

}  // namespace nimbus::keyvalue
