#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "capability/keyvalue/allowance.h"
#include "capability/keyvalue/nats/nats_names.h"
#include "capability/keyvalue/nats/nats_stream.h"
#include "net/blocking_worker.h"

namespace nimbus::keyvalue {

// The keys of a bucket as they were at one moment, in an order that does not depend on when they
// were written.
struct NatsKeys {
  struct Key {
    std::uint64_t hash;
    std::string text;
  };
  std::vector<Key> sorted;  // by hash, then text
  std::uint64_t bytes = 0;  // of memory
};

// What keys of all listings that are being read may take.
inline constexpr std::uint64_t kMaxNatsListingBytes = 256 << 20;
// Of one listing.
inline constexpr std::size_t kMaxNatsListedKeys = 1'000'000;

// Reads the keys of a bucket: the headers of all its messages, in batches. A key that is there all
// the while is among them. Many are sorted by `sorter`, so that their shard need not. The hash has
// nothing in the bits of kNatsHashFree. kResourceExhausted: too many keys.
inline constexpr std::uint64_t kNatsHashFree = 0xffff;
[[nodiscard]] Task<Result<NatsKeys>> readNatsKeys(const NatsStream& stream,
                                                  NatsBucketSubjects subjects,
                                                  std::shared_ptr<Allowance> memory,
                                                  net::BlockingWorker& sorter);

}  // namespace nimbus::keyvalue
