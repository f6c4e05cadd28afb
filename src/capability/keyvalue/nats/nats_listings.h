#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "capability/keyvalue/allowance.h"
#include "capability/keyvalue/nats/nats_key_reader.h"
#include "capability/keyvalue/store.h"
#include "net/blocking_worker.h"

namespace nimbus::keyvalue {

// Listings that are under way. A page is cut from all keys of a bucket, so these are kept for the
// pages that follow: some of them, for some time, else the keys are read again. Any shard.
//
// A cursor is the hash that its page begins at, with a number of the keys that the page before was
// cut from in the bits that hashes leave free: keys that another process has kept since before the
// listing began are not taken for those. Making it throws std::system_error if there is no thread
// for it.
class NatsListings {
 public:
  // `stream` outlives the call.
  [[nodiscard]] Task<Result<KeyPage>> page(const NatsStream& stream, NatsBucketSubjects subjects,
                                           std::optional<std::uint64_t> cursor);

 private:
  using Keys = std::shared_ptr<const NatsKeys>;
  struct Kept {
    std::string filter;
    std::uint64_t number;
    Keys keys;
    TimePoint until;
  };

  [[nodiscard]] Keys find(const std::string& filter, std::uint64_t number);
  void keep(std::string filter, std::uint64_t number, Keys keys);
  void dropOld(TimePoint now);

  const std::shared_ptr<Allowance> memory_ = std::make_shared<Allowance>(kMaxNatsListingBytes);
  std::mutex mutex_;
  std::list<Kept> kept_;  // the last used one first
  std::uint64_t kept_bytes_ = 0;
  net::BlockingWorker sorter_;
};

// The page that begins at the hash; its cursor is the hash of the next one. kResourceExhausted:
// more keys of one hash than a page holds.
[[nodiscard]] Result<KeyPage> cutNatsPage(const NatsKeys& keys, std::uint64_t from);

}  // namespace nimbus::keyvalue
