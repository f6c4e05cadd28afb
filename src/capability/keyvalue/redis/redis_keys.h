#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace nimbus::keyvalue {

// The names that keyspaces and buckets have in a Redis server (docs/formats/keyvalue-redis.md):
// "nimbus:{workload/default/shop}:values:carts". Nobody's name can be another one's, whatever is in
// them, and all keys of a keyspace are of one slot of a cluster.
class RedisKeyspaceNames {
 public:
  RedisKeyspaceNames(std::string_view prefix, std::string_view keyspace);

  [[nodiscard]] const Bytes& usage() const { return usage_; }      // a hash: bytes, keys, last
  [[nodiscard]] const Bytes& buckets() const { return buckets_; }  // a set of names
  [[nodiscard]] Bytes valuesOf(std::string_view bucket) const;     // a hash: values by keys
  [[nodiscard]] Bytes indexOf(std::string_view bucket) const;      // a sorted set: keys by numbers

 private:
  const std::string begin_;
  const Bytes usage_;
  const Bytes buckets_;
};

// Letters, digits, "-", ".", "_", ":" and "/", at least one and at most 64.
[[nodiscard]] bool isRedisPrefix(std::string_view text);

}  // namespace nimbus::keyvalue
