#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/eventual.h"
#include "base/result.h"

namespace nimbus::keyvalue {

// A page of keys: each key that is there during the whole listing stands on exactly one page.
struct KeyPage {
  std::vector<std::string> keys;
  std::optional<std::uint64_t> cursor;  // of the next page; none after the last
};

struct Entry {
  std::string key;
  Bytes value;
};

// Values by position of the keys asked for; nothing where there is no such key.
using Values = std::vector<std::optional<Bytes>>;

// Keys and values under one name. A write that completed is seen by every later read, and a backend
// that claims to be durable has it on disk. May be used on every shard at once; each Eventual
// completes on the shard that asked, and the bucket outlives it. Destroying one gives the call up:
// a write may then have happened or not. Text and lists given need not outlive the call of the
// function.
//
// Who calls has checked keys and values (limits.h). Errors: kPermissionDenied, kResourceExhausted
// (a quota, a full disk), kInvalidArgument (increment of what is no number, or past 64 bits),
// kUnavailable (locked by others, shutting down), kIo.
class Bucket {
 public:
  virtual ~Bucket() = default;

  [[nodiscard]] virtual Eventual<Result<std::optional<Bytes>>> get(std::string_view key) = 0;
  // Copies the value, so that a small one does not keep a large message.
  [[nodiscard]] virtual Eventual<Result<void>> set(std::string_view key, ByteView value) = 0;
  [[nodiscard]] virtual Eventual<Result<void>> remove(std::string_view key) = 0;
  [[nodiscard]] virtual Eventual<Result<bool>> exists(std::string_view key) = 0;
  [[nodiscard]] virtual Eventual<Result<KeyPage>> listKeys(std::optional<std::uint64_t> cursor) = 0;
  // Adds to a number in decimal digits, 0 if there is none; returns the new one. Atomic.
  [[nodiscard]] virtual Eventual<Result<std::uint64_t>> increment(std::string_view key,
                                                                  std::uint64_t delta) = 0;
  // At most kMaxBatchResultBytes of values, else kResourceExhausted.
  [[nodiscard]] virtual Eventual<Result<Values>> getMany(std::vector<std::string> keys) = 0;
  // Sets all, or none, where the backend can. In NATS each is set for
  // itself, and when one fails, others may have been set.
  [[nodiscard]] virtual Eventual<Result<void>> setMany(std::vector<Entry> entries) = 0;
  [[nodiscard]] virtual Eventual<Result<void>> removeMany(std::vector<std::string> keys) = 0;
};

// What a keyspace may hold. Absent: whatever the store itself allows.
struct Quota {
  std::optional<std::uint64_t> max_bytes;  // of keys and values
  std::optional<std::uint64_t> max_keys;
};

// The buckets of one owner, by default of one workload, who sees no other's. May be used on every
// shard at once; buckets keep it alive.
class Keyspace {
 public:
  virtual ~Keyspace() = default;

  // The bucket of that name, made if it is new.
  [[nodiscard]] virtual Eventual<Result<std::shared_ptr<Bucket>>> open(std::string_view name) = 0;

  // From now on; what is there already stays, even if it is more.
  virtual void limit(const Quota& quota) = 0;
};

// Where keys and values are kept: one backend with its settings, shared by all who use it.
class Store {
 public:
  virtual ~Store() = default;

  // The keyspace of that name; asked for again, the same. Any thread.
  [[nodiscard]] virtual std::shared_ptr<Keyspace> keyspace(std::string_view name) = 0;

  // Why calls fail at present, as far as is known; else empty. Any thread.
  [[nodiscard]] virtual std::string problem() const { return {}; }
};

}  // namespace nimbus::keyvalue
