#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/sync.h"
#include "base/task.h"
#include "capability/keyvalue/nats/nats_listings.h"
#include "capability/keyvalue/nats/nats_requests.h"
#include "capability/keyvalue/nats/nats_store.h"
#include "capability/keyvalue/nats/nats_stream.h"
#include "capability/keyvalue/nats/nats_turns.h"
#include "capability/keyvalue/store.h"
#include "net/shard.h"

namespace nimbus::keyvalue {

// What all keyspaces of a store share.
struct NatsParts {
  NatsStoreOptions options;
  std::shared_ptr<NatsRequests> requests;
  NatsListings listings;
  NatsTurns turns;
};

// A keyspace as a stream of JetStream, which is made, or brought to the quota, by the first call
// that needs it; again if it went, if a request had no answer, and after limit(). Any shard.
class NatsKeyspace final : public Keyspace, public std::enable_shared_from_this<NatsKeyspace> {
 public:
  NatsKeyspace(std::shared_ptr<NatsParts> parts, std::string name);

  // Completes at once while the stream is known: a bucket is no more than the beginning of
  // subjects.
  Eventual<Result<std::shared_ptr<Bucket>>> open(std::string_view name) override;
  void limit(const Quota& quota) override;

  // For its buckets, which keep it:

  template <typename T>
  using Work = std::move_only_function<Task<Result<T>>(NatsReads reads)>;
  // Does work with the stream; once more if it turns out that there is none any more. What `work`
  // refers to outlives the call.
  template <typename T>
  [[nodiscard]] Task<Result<T>> withStream(Work<T> work) {
    CO_TRY(NatsReads reads, co_await ready());
    auto result = co_await work(reads);
    if (result) co_return result;
    const bool is_gone = result.error().code() == ErrorCode::kNotFound;
    if (is_gone || wasUnanswered(result.error())) forget();
    if (!is_gone) co_return result;
    CO_TRY(reads, co_await ready());
    result = co_await work(reads);
    if (!result && result.error().code() == ErrorCode::kNotFound)
      co_return fail(ErrorCode::kUnavailable, "somebody deletes the keyspace's stream",
                     std::move(result).error());
    co_return result;
  }

  // kInvalidArgument: more than the server takes in a message. kResourceExhausted: the quota is
  // nothing.
  [[nodiscard]] Result<void> mayWrite(const NatsSubject& subject, std::size_t value_bytes) const;

  [[nodiscard]] const NatsStream& stream() const { return stream_; }
  [[nodiscard]] const std::string& natsBucket() const { return nats_bucket_; }
  [[nodiscard]] NatsParts& parts() const { return *parts_; }

 private:
  struct Wanted {
    Quota quota;
    std::uint64_t version = 0;  // counts up with each limit()
  };

  // Those who need the stream while it is being prepared. No error in `over`: look again.
  struct Waiter {
    net::Shard& shard;
    OneShot<std::optional<Error>> over;
  };
  class Preparing;

  [[nodiscard]] Eventual<Result<NatsReads>> ready();
  Task<Result<NatsReads>> readyLater();
  void forget();
  // The stream as it is to be.
  Task<Result<NatsReads>> prepare(Wanted wanted);
  Task<Result<NatsStreamInfo>> findOrMake(Quota quota) const;
  Task<Result<void>> bringToQuota(NatsStreamInfo info, Quota quota) const;
  [[nodiscard]] std::string subjects() const { return "$KV." + nats_bucket_ + ".>"; }

  static Task<Result<std::shared_ptr<Bucket>>> openLater(std::shared_ptr<NatsKeyspace> self,
                                                         std::shared_ptr<Bucket> bucket);

  const std::shared_ptr<NatsParts> parts_;
  const std::string name_;
  const std::string nats_bucket_;
  const NatsStream stream_;

  mutable std::mutex mutex_;
  Wanted wanted_;
  struct Known {
    NatsReads reads;
    std::uint64_t version;
  };
  std::optional<Known> known_;  // the stream, brought to that version's quota
  bool is_preparing_ = false;   // somebody does
  std::vector<std::shared_ptr<Waiter>> waiters_;
};

}  // namespace nimbus::keyvalue
