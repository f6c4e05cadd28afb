#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <string>

#include "capability/keyvalue/allowance.h"
#include "capability/keyvalue/memory/memory_stripe.h"
#include "capability/keyvalue/store.h"

namespace nimbus::keyvalue {

// What a keyspace in memory has used up, and what it may.
struct MemoryUsage {
  Allowance bytes{Allowance::kUnlimited};
  Allowance keys{Allowance::kUnlimited};
  Allowance* store_bytes;  // of the whole store

  // kResourceExhausted: the message says whose limit it is.
  [[nodiscard]] Result<void> take(std::uint64_t new_bytes, std::uint64_t new_keys);
  // Of the store alone.
  [[nodiscard]] Result<void> takeOfStore(std::uint64_t bytes);
  void give(std::uint64_t old_bytes, std::uint64_t old_keys);
};

// A bucket in memory. Everything completes at once: a call takes a lock for the time of a look-up,
// and 16 locks share the keys out. Belongs to its keyspace, which has taken kMemoryBucketBytes of
// the store for it.
class MemoryBucket final : public Bucket {
 public:
  explicit MemoryBucket(MemoryUsage& usage) : usage_(usage) {}
  ~MemoryBucket() override;

  Eventual<Result<std::optional<Bytes>>> get(std::string_view key) override;
  Eventual<Result<void>> set(std::string_view key, ByteView value) override;
  Eventual<Result<void>> remove(std::string_view key) override;
  Eventual<Result<bool>> exists(std::string_view key) override;
  Eventual<Result<KeyPage>> listKeys(std::optional<std::uint64_t> cursor) override;
  Eventual<Result<std::uint64_t>> increment(std::string_view key, std::uint64_t delta) override;
  Eventual<Result<Values>> getMany(std::vector<std::string> keys) override;
  Eventual<Result<void>> setMany(std::vector<Entry> entries) override;
  Eventual<Result<void>> removeMany(std::vector<std::string> keys) override;

 private:
  static constexpr std::size_t kStripes = 16;
  struct alignas(64) Stripe {
    std::mutex mutex;
    MemoryStripe entries;
  };

  [[nodiscard]] Stripe& stripeOf(const MemoryStripe::Key& key);
  [[nodiscard]] std::optional<Bytes> find(std::string_view text);
  // In a locked stripe; returns what it replaced.
  [[nodiscard]] Result<Bytes> replace(MemoryStripe& entries, const MemoryStripe::Key& key,
                                      Bytes value);
  void removeOne(std::string_view text);

  MemoryUsage& usage_;
  std::array<Stripe, kStripes> stripes_;
};

}  // namespace nimbus::keyvalue
