#include "capability/keyvalue/nats/nats_keyspace.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "capability/keyvalue/limits.h"
#include "capability/keyvalue/nats/nats_bucket.h"

namespace nimbus::keyvalue {
namespace {

// A server deletes what is beyond a limit that is lowered. So one that is used up already, or
// nearly so, gets this much above what is used, for what others write while we say so.
constexpr std::uint64_t kSpareMessages = 64;
constexpr std::uint64_t kSpareBytes = 1 << 20;

// What a message has beside its value and our own header: a name for the header that expects a
// sequence, and its number.
constexpr std::size_t kHeaderBytes = 128;

// A limit that is to become lower does so in two steps, if it comes near to what is used: the first
// leaves others the spare, and no more, until we look again.
enum class Step { kFirst, kLast };

std::optional<std::uint64_t> limitFor(Step step, std::optional<std::uint64_t> quota,
                                      std::optional<std::uint64_t> current, std::uint64_t used,
                                      std::uint64_t spare) {
  if (!quota) return current;
  const std::uint64_t near = step == Step::kFirst ? used + spare : used;
  const bool is_lower = !current || *quota < *current;
  if (near <= *quota || (used <= *quota && !is_lower)) return quota;
  return std::min(used + spare, current.value_or(used + spare));
}

}  // namespace

NatsKeyspace::NatsKeyspace(std::shared_ptr<NatsParts> parts, std::string name)
    : parts_(std::move(parts)),
      name_(std::move(name)),
      nats_bucket_(natsBucketOf(parts_->options.prefix, name_)),
      stream_(parts_->requests, "KV_" + nats_bucket_) {}

Eventual<Result<std::shared_ptr<Bucket>>> NatsKeyspace::open(std::string_view name) {
  auto bucket = std::make_shared<NatsBucket>(shared_from_this(), name);
  {
    const std::lock_guard lock(mutex_);
    if (known_ && known_->version == wanted_.version)
      return Result<std::shared_ptr<Bucket>>(std::move(bucket));
  }
  return openLater(shared_from_this(), std::move(bucket));
}

Task<Result<std::shared_ptr<Bucket>>> NatsKeyspace::openLater(std::shared_ptr<NatsKeyspace> self,
                                                              std::shared_ptr<Bucket> bucket) {
  CO_TRY_VOID(co_await self->ready());
  co_return bucket;
}

void NatsKeyspace::limit(const Quota& quota) {
  const std::lock_guard lock(mutex_);
  wanted_.quota = quota;
  wanted_.version += 1;
}

Result<void> NatsKeyspace::mayWrite(const NatsSubject& subject, std::size_t value_bytes) const {
  const std::size_t most = parts_->requests->connection().maxPayload();
  if (value_bytes + subject.long_key.size() + kHeaderBytes > most)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("a value of {} bytes; the NATS server takes messages of at most {}, "
                            "with their headers (its max_payload)",
                            value_bytes, most));
  const std::lock_guard lock(mutex_);
  // As limits of a stream, these would mean that there are none.
  if (wanted_.quota.max_keys == 0U) return failQuota("keys", 0);
  if (wanted_.quota.max_bytes == 0U) return failQuota("bytes", 0);
  return {};
}

Eventual<Result<NatsReads>> NatsKeyspace::ready() {
  {
    const std::lock_guard lock(mutex_);
    if (known_ && known_->version == wanted_.version) return Result<NatsReads>(known_->reads);
  }
  return readyLater();
}

// The time in which one call prepares the stream and others wait. They are told how it ended; if
// the call was given up, one of them goes on.
class NatsKeyspace::Preparing {
 public:
  explicit Preparing(NatsKeyspace& keyspace) : keyspace_(keyspace) {}
  Preparing(const Preparing&) = delete;
  Preparing& operator=(const Preparing&) = delete;
  ~Preparing() {
    const std::lock_guard lock(keyspace_.mutex_);
    keyspace_.is_preparing_ = false;
    for (auto& waiter : std::exchange(keyspace_.waiters_, {})) {
      net::Shard& shard = waiter->shard;
      shard.post([waiter = std::move(waiter), error = error_] { waiter->over.set(error); });
    }
  }
  void fail(const Error& error) { error_ = error; }

 private:
  NatsKeyspace& keyspace_;
  std::optional<Error> error_;
};

Task<Result<NatsReads>> NatsKeyspace::readyLater() {
  while (true) {
    std::shared_ptr<Waiter> waiter;
    Wanted wanted;
    {
      const std::lock_guard lock(mutex_);
      if (known_ && known_->version == wanted_.version) co_return known_->reads;
      wanted = wanted_;
      if (is_preparing_)
        waiter = waiters_.emplace_back(std::make_shared<Waiter>(*net::Shard::current()));
      is_preparing_ = true;
    }
    if (waiter == nullptr) {
      Preparing preparing(*this);
      auto reads = co_await prepare(wanted);
      if (!reads) preparing.fail(reads.error());
      co_return reads;
    }
    if (auto error = co_await waiter->over.wait()) co_return std::unexpected(*std::move(error));
  }
}

void NatsKeyspace::forget() {
  const std::lock_guard lock(mutex_);
  known_.reset();
}

Task<Result<NatsReads>> NatsKeyspace::prepare(Wanted wanted) {
  CO_TRY(NatsStreamInfo info, co_await findOrMake(wanted.quota));
  if (!isOneOf(info.subjects, subjects()))
    co_return fail(ErrorCode::kInvalidArgument,
                   fmt::format("the stream {} is not that of a key-value bucket", stream_.name()));
  const NatsReads reads = info.is_read_directly ? NatsReads::kDirect : NatsReads::kLeader;
  CO_TRY_VOID(co_await bringToQuota(std::move(info), wanted.quota));
  const std::lock_guard lock(mutex_);
  known_ = Known{.reads = reads, .version = wanted.version};
  co_return reads;
}

Task<Result<NatsStreamInfo>> NatsKeyspace::findOrMake(Quota quota) const {
  auto found = co_await stream_.info();
  if (found || found.error().code() != ErrorCode::kNotFound) co_return found;
  const bool in_memory = parts_->options.storage == NatsStoreOptions::Storage::kMemory;
  auto made = co_await stream_.create(natsStreamConfig({.name = stream_.name(),
                                                        .subjects = subjects(),
                                                        .keyspace = name_,
                                                        .replicas = parts_->options.replicas,
                                                        .storage = in_memory ? "memory" : "file",
                                                        .max_messages = quota.max_keys,
                                                        .max_bytes = quota.max_bytes}));
  if (made || made.error().code() != ErrorCode::kAlreadyExists) co_return made;
  // Another host was first, with another quota.
  co_return co_await stream_.info();
}

Task<Result<void>> NatsKeyspace::bringToQuota(NatsStreamInfo info, Quota quota) const {
  for (const Step step : {Step::kFirst, Step::kLast}) {
    const auto max_messages =
        limitFor(step, quota.max_keys, info.max_messages, info.messages, kSpareMessages);
    const auto max_bytes = limitFor(step, quota.max_bytes, info.max_bytes, info.bytes, kSpareBytes);
    if (max_messages == info.max_messages && max_bytes == info.max_bytes) continue;
    CO_TRY(std::string config, natsStreamConfig(info.config, max_messages, max_bytes));
    CO_TRY_VOID(co_await stream_.update(std::move(config)));
    if (step == Step::kFirst) {
      CO_TRY(info, co_await stream_.info());
    }
  }
  co_return Result<void>();
}

}  // namespace nimbus::keyvalue
