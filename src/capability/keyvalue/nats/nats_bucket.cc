#include "capability/keyvalue/nats/nats_bucket.h"

#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <utility>

#include "base/sync.h"
#include "capability/keyvalue/limits.h"
#include "net/shard.h"

namespace nimbus::keyvalue {
namespace {

// Requests of one call at a time.
constexpr std::size_t kAtOnce = 16;
// Of an increment, while others change the counter.
constexpr int kMaxAttempts = 100;
constexpr int kMaxPauseMs = 64;

// The more often an increment had to begin again, the longer it may wait, by chance: those who met
// are parted.
Duration pauseAfter(int attempt) {
  thread_local std::minstd_rand random(std::random_device{}());
  const int most = std::min(1 << std::min(attempt, 6), kMaxPauseMs);
  return std::chrono::milliseconds(std::uniform_int_distribution(0, most)(random));
}

// work(0), work(1), … of so many, some at a time, until one fails.
class Several {
 public:
  using Work = std::move_only_function<Task<Result<void>>(std::size_t)>;

  static Task<Result<void>> run(std::size_t count, Work work) {
    Several several(count, std::move(work));
    TaskSet tasks;
    for (std::size_t i = 0; i < std::min(count, kAtOnce); ++i) tasks.spawn(several.some());
    co_await tasks.empty();
    co_return std::move(several.result_);
  }

 private:
  Several(std::size_t count, Work work) : count_(count), work_(std::move(work)) {}

  Task<void> some() {
    while (next_ < count_ && result_) {
      auto result = co_await work_(next_++);
      if (!result && result_) result_ = std::move(result);
    }
  }

  const std::size_t count_;
  Work work_;
  std::size_t next_ = 0;
  Result<void> result_;
};

}  // namespace

NatsBucket::NatsBucket(std::shared_ptr<NatsKeyspace> keyspace, std::string_view name)
    : keyspace_(std::move(keyspace)), subjects_(keyspace_->natsBucket(), name) {}

Task<Result<NatsEntry>> NatsBucket::read(std::string subject) {
  co_return co_await keyspace_->withStream<NatsEntry>(
      [&](NatsReads reads) { return keyspace_->stream().get(reads, subject); });
}

Task<Result<std::uint64_t>> NatsBucket::write(NatsSubject subject, Bytes value,
                                              std::optional<std::uint64_t> expected) {
  CO_TRY_VOID(keyspace_->mayWrite(subject, value.size()));
  co_return co_await keyspace_->withStream<std::uint64_t>(
      [&](NatsReads /*reads*/) { return keyspace_->stream().put(subject, value, expected); });
}

Eventual<Result<std::optional<Bytes>>> NatsBucket::get(std::string_view key) {
  return getOne(subjects_.of(key).text);
}

Task<Result<std::optional<Bytes>>> NatsBucket::getOne(std::string subject) {
  CO_TRY(NatsEntry entry, co_await read(std::move(subject)));
  co_return std::move(entry.value);
}

Eventual<Result<bool>> NatsBucket::exists(std::string_view key) {
  return existsOne(subjects_.of(key).text);
}

Task<Result<bool>> NatsBucket::existsOne(std::string subject) {
  CO_TRY(const NatsEntry entry, co_await read(std::move(subject)));
  co_return entry.value.has_value();
}

Eventual<Result<void>> NatsBucket::set(std::string_view key, ByteView value) {
  return setOne(subjects_.of(key), Bytes::copyOf(value));
}

Task<Result<void>> NatsBucket::setOne(NatsSubject subject, Bytes value) {
  CO_TRY_VOID(co_await write(std::move(subject), std::move(value)));
  co_return Result<void>();
}

Eventual<Result<void>> NatsBucket::remove(std::string_view key) {
  return removeOne(subjects_.of(key).text);
}

Task<Result<void>> NatsBucket::removeOne(std::string subject) {
  co_return co_await keyspace_->withStream<void>(
      [&](NatsReads /*reads*/) { return keyspace_->stream().purge(subject); });
}

Eventual<Result<KeyPage>> NatsBucket::listKeys(std::optional<std::uint64_t> cursor) {
  return keyspace_->withStream<KeyPage>([this, cursor](NatsReads /*reads*/) {
    return keyspace_->parts().listings.page(keyspace_->stream(), subjects_, cursor);
  });
}

Eventual<Result<std::uint64_t>> NatsBucket::increment(std::string_view key, std::uint64_t delta) {
  return add(subjects_.of(key), delta);
}

Task<Result<std::uint64_t>> NatsBucket::add(NatsSubject subject, std::uint64_t delta) {
  NatsTurns::Place place(keyspace_->parts().turns, subject.text);
  std::optional<NatsTurns::Left> left = co_await place.wait();
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    std::string stored = left ? std::to_string(left->value) : "0";
    std::uint64_t expected = left ? left->sequence : 0;
    if (!left) {
      CO_TRY(const NatsEntry entry, co_await read(subject.text));
      if (entry.value) stored = entry.value->text();
      expected = entry.sequence;
    }
    CO_TRY(const std::uint64_t sum, addToCounter(stored, delta));
    const auto put = co_await write(subject, Bytes::take(std::to_string(sum)), expected);
    if (put) {
      place.leave({.value = sum, .sequence = *put});
      co_return sum;
    }
    if (put.error().code() != ErrorCode::kAlreadyExists) co_return std::unexpected(put.error());
    left.reset();
    co_await net::Shard::current()->sleepFor(pauseAfter(attempt));
  }
  co_return fail(ErrorCode::kUnavailable, "others change the counter all the time");
}

Eventual<Result<Values>> NatsBucket::getMany(std::vector<std::string> keys) {
  return getAll(std::move(keys));
}

// Each key is read once, however often it is asked for.
Task<Result<Values>> NatsBucket::getAll(std::vector<std::string> keys) {
  std::map<std::string_view, std::vector<std::size_t>> places;
  for (std::size_t i = 0; i < keys.size(); ++i) places[keys[i]].push_back(i);
  std::vector<std::pair<std::string_view, std::vector<std::size_t>>> wanted(places.begin(),
                                                                            places.end());
  Values values(keys.size());
  std::size_t bytes = 0;
  const auto take = [&](std::size_t number, std::optional<Bytes> value) -> Result<void> {
    const auto& at = wanted[number].second;
    bytes += at.size() * (value ? value->size() : 0);
    if (bytes > kMaxBatchResultBytes) return failBatchResult();
    for (const std::size_t place : at) values[place] = value;
    return {};
  };
  struct Each {
    static Task<Result<void>> get(
        NatsBucket* bucket, std::string subject, std::size_t number,
        std::function<Result<void>(std::size_t, std::optional<Bytes>)> to) {
      CO_TRY(auto value, co_await bucket->getOne(std::move(subject)));
      co_return to(number, std::move(value));
    }
  };
  CO_TRY_VOID(co_await Several::run(wanted.size(), [&](std::size_t number) {
    return Each::get(this, subjects_.of(wanted[number].first).text, number, std::ref(take));
  }));
  co_return values;
}

Eventual<Result<void>> NatsBucket::setMany(std::vector<Entry> entries) {
  return setAll(std::move(entries));
}

Task<Result<void>> NatsBucket::setAll(std::vector<Entry> entries) {
  std::map<std::string_view, std::size_t> last;
  for (std::size_t i = 0; i < entries.size(); ++i) last[entries[i].key] = i;
  std::vector<std::size_t> places;
  places.reserve(last.size());
  for (const auto& [key, place] : last) places.push_back(place);
  // What no server would take is found before anything is set.
  for (const std::size_t place : places)
    CO_TRY_VOID(keyspace_->mayWrite(subjects_.of(entries[place].key), entries[place].value.size()));
  co_return co_await Several::run(places.size(), [&](std::size_t number) {
    const Entry& entry = entries[places[number]];
    return setOne(subjects_.of(entry.key), entry.value);
  });
}

Eventual<Result<void>> NatsBucket::removeMany(std::vector<std::string> keys) {
  return removeAll(std::move(keys));
}

Task<Result<void>> NatsBucket::removeAll(std::vector<std::string> keys) {
  co_return co_await Several::run(
      keys.size(), [&](std::size_t number) { return removeOne(subjects_.of(keys[number]).text); });
}

}  // namespace nimbus::keyvalue
