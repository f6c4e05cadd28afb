#include "capability/keyvalue/nats/nats_key_reader.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "base/sync.h"
#include "base/text.h"
#include "capability/keyvalue/memory/keyed_hash.h"

namespace nimbus::keyvalue {
namespace {

constexpr std::size_t kBatch = 1000;
constexpr std::size_t kManyKeys = 20'000;
constexpr Duration kShortSilence = std::chrono::milliseconds(100);
// Of a key beyond its text.
constexpr std::uint64_t kKeyBytes = 128;

// The same in every process, so that a listing may go on elsewhere. Who makes texts collide spoils
// pages of a bucket of his own.
constexpr HashKey kListingHash{0x6e696d6275732d6b, 0x762d6c697374696e};

struct Seen {
  NatsKeys::Key key;
  bool is_deleted;
};

// What the server says will follow: "$JS.ACK.<stream>.<consumer>.<delivered>.<stream sequence>.
// <consumer sequence>.<time>.<pending>", or with a domain and an account after the second word, and
// something random at the end.
std::optional<std::uint64_t> pendingIn(std::string_view reply) {
  const auto words = split(reply, '.');
  if (words.size() == 9) return parseDecimal(words[8]);
  return words.size() >= 11 ? parseDecimal(words[10]) : std::nullopt;
}

// Receives what a consumer delivers, batch after batch. On one shard.
class Batches final : public nats::Subscriber {
 public:
  Batches(const NatsBucketSubjects& subjects, std::shared_ptr<Allowance> memory)
      : subjects_(subjects),
        memory_(std::move(memory)),
        silence_(*net::Shard::current(), [this] { end_->set(End::kSilence); }) {}
  Batches(const Batches&) = delete;
  Batches& operator=(const Batches&) = delete;
  ~Batches() { memory_->give(bytes_); }

  enum class End {
    kThereIsMore,  // as far as is known
    kSilence,      // nothing came for a while
    kNothing       // nothing is there any more
  };

  // It ends by itself when nothing has come for so long.
  void begin(std::string reply, Duration silence) {
    reply_ = std::move(reply);
    count_ = 0;
    longest_silence_ = silence;
    end_.emplace();
    silence_.armAfter(silence);
  }
  [[nodiscard]] Task<Result<End>> end() { return end_->wait(); }
  void fail(Error why) { end_->set(std::unexpected(std::move(why))); }

  // Messages have the subject they were stored at, and the words about them that of the request.
  void received(nats::Message message) override {
    if (message.subject() == reply_) return receivedStatus(message.status());
    if (!message.subject().starts_with("$KV.")) return;  // about an earlier request
    count_ += 1;
    silence_.armAfter(longest_silence_);
    if (auto taken = take(message); !taken) return fail(std::move(taken).error());
    if (count_ == kBatch || pendingIn(message.reply()) == 0U) end_->set(End::kThereIsMore);
  }
  void noResponders() override {
    fail({ErrorCode::kUnavailable, "the NATS server has given up the consumer of a listing"});
  }
  void lost(Error why) override { fail(std::move(why)); }

  [[nodiscard]] std::vector<Seen> takeSeen() { return std::move(seen_); }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] bool hasSeen(std::string_view subject) const {
    return places_.contains(keyedHash(subject));
  }

 private:
  void receivedStatus(int status) {
    constexpr int kHeartbeat = 100;
    constexpr int kNoMessages = 404;
    constexpr int kNoMore = 408;
    if (status == kHeartbeat) return;
    if (status == kNoMessages || status == kNoMore) {
      if (count_ > 0) return end_->set(End::kThereIsMore);
      return end_->set(status == kNoMessages ? End::kNothing : End::kSilence);
    }
    fail({ErrorCode::kUnavailable,
          fmt::format("the NATS server ends a listing with status {}", status)});
  }

  // A later message of a key takes the place of the one before: it may have been written meanwhile,
  // or be read again.
  Result<void> take(const nats::Message& message) {
    auto key = subjects_.keyAt(message.subject(), message.header(kNatsLongKeyHeader));
    const bool is_deleted = isNatsDeletion(message.header("KV-Operation").value_or(""));
    const std::uint64_t subject = keyedHash(message.subject());
    if (const auto place = places_.find(subject); place != places_.end()) {
      if (place->second == kNoKey || !key) return {};
      if (Seen& before = seen_[place->second]; before.key.text == *key) {
        before.is_deleted = is_deleted;
        return {};
      }
    }
    const std::uint64_t bytes = (key ? key->size() : 0) + kKeyBytes;
    if (++subjects_seen_ > kMaxNatsListedKeys || !memory_->take(bytes))
      return nimbus::fail(ErrorCode::kResourceExhausted,
                          fmt::format("there are too many keys to list: at most {} of a bucket, "
                                      "and {} bytes at once",
                                      kMaxNatsListedKeys, memory_->limit()));
    bytes_ += bytes;
    places_.insert_or_assign(subject, key ? seen_.size() : kNoKey);
    if (!key) return {};
    const std::uint64_t hash = keyedHash(*key, kListingHash) & ~kNatsHashFree;
    seen_.push_back({.key = {.hash = hash, .text = *std::move(key)}, .is_deleted = is_deleted});
    return {};
  }

  const NatsBucketSubjects& subjects_;
  const std::shared_ptr<Allowance> memory_;
  std::uint64_t bytes_ = 0;
  std::string reply_;
  std::size_t count_ = 0;
  std::size_t subjects_seen_ = 0;
  std::vector<Seen> seen_;
  static constexpr std::size_t kNoKey = std::numeric_limits<std::size_t>::max();
  std::unordered_map<std::uint64_t, std::size_t> places_;   // in seen_, by hashes of subjects
  std::optional<OneShot<Result<End>>> end_{std::in_place};  // of the batch
  Duration longest_silence_{};
  net::Timer silence_;
};

NatsKeys sortedKeys(std::vector<Seen> seen, std::uint64_t bytes) {
  std::ranges::sort(seen, [](const Seen& a, const Seen& b) {
    if (a.key.hash != b.key.hash) return a.key.hash < b.key.hash;
    return a.key.text < b.key.text;
  });
  NatsKeys keys{.sorted = {}, .bytes = bytes};
  keys.sorted.reserve(seen.size());
  for (Seen& one : seen)
    if (!one.is_deleted) keys.sorted.push_back(std::move(one.key));
  return keys;
}

// Asks a consumer again and again, until the server says that nothing is there, or nothing at all
// for so long.
Task<Result<Batches::End>> readAll(const NatsStream& stream, const std::string& consumer,
                                   const std::string& inbox, Batches& batches, Duration silence) {
  NatsRequests& requests = stream.requests();
  const std::string subject = stream.nextSubject(consumer);
  const std::string request = fmt::format(R"({{"batch":{},"no_wait":true}})", kBatch);
  for (std::uint64_t number = 1;; ++number) {
    const std::string reply = fmt::format("{}.{}.{}", inbox, consumer, number);
    batches.begin(reply, silence);
    CO_TRY_VOID(requests.connection().publish(subject, reply, asBytes(request)));
    CO_TRY(const Batches::End end, co_await batches.end());
    if (end != Batches::End::kThereIsMore) co_return end;
  }
}

// Whether everything that is there by now has been seen.
Task<Result<bool>> hasSeenAll(const NatsStream& stream, const std::string& filter,
                              const Batches& batches) {
  for (std::uint64_t after = 0;;) {
    CO_TRY(const NatsSubjects subjects, co_await stream.subjects(filter, after));
    for (const std::string& subject : subjects.some)
      if (!batches.hasSeen(subject)) co_return false;
    after += subjects.some.size();
    if (subjects.some.empty() || after >= subjects.total) co_return true;
  }
}

// A consumer may lose its way when somebody replaces messages that it is about to deliver: it waits
// for others, or for ever, as it has counted them. So who is told nothing looks whether something
// is missing, and begins again with another one if it is.
Task<Result<void>> readWithConsumers(const NatsStream& stream, const std::string& filter,
                                     const std::string& inbox, Batches& batches) {
  nats::Connection& connection = stream.requests().connection();
  const Duration most = stream.requests().timeout();
  for (Duration silence = std::min(kShortSilence, most); silence <= most; silence *= 2) {
    CO_TRY(const std::string consumer, co_await stream.createConsumer(filter));
    const auto end = co_await readAll(stream, consumer, inbox, batches, silence);
    // Nobody waits for that; at worst the server forgets it by itself.
    static_cast<void>(connection.publish(stream.deletionSubject(consumer), inbox + ".end", {}));
    if (!end) co_return std::unexpected(end.error());
    if (*end == Batches::End::kNothing) co_return Result<void>();
    CO_TRY(const bool complete, co_await hasSeenAll(stream, filter, batches));
    if (complete) co_return Result<void>();
  }
  co_return fail(ErrorCode::kUnavailable, "the NATS server did not go on with a listing");
}

}  // namespace

Task<Result<NatsKeys>> readNatsKeys(const NatsStream& stream, NatsBucketSubjects subjects,
                                    std::shared_ptr<Allowance> memory,
                                    net::BlockingWorker& sorter) {
  net::Shard& shard = *net::Shard::current();
  nats::Connection& connection = stream.requests().connection();
  const std::string inbox = connection.newInbox();
  Batches batches(subjects, std::move(memory));
  CO_TRY(const auto subscription, connection.subscribe(shard, {.subject = inbox + ".>"}, batches));
  CO_TRY_VOID(co_await readWithConsumers(stream, subjects.all(), inbox, batches));
  std::vector<Seen> seen = batches.takeSeen();
  const std::uint64_t bytes = batches.bytes();
  if (seen.size() < kManyKeys) co_return sortedKeys(std::move(seen), bytes);
  co_return co_await sorter.run<NatsKeys>(shard, [seen = std::move(seen), bytes]() mutable {
    return sortedKeys(std::move(seen), bytes);
  });
}

}  // namespace nimbus::keyvalue
