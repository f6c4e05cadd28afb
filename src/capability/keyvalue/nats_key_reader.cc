#include "capability/keyvalue/nats_key_reader.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/sync.h"
#include "base/text.h"
#include "capability/keyvalue/keyed_hash.h"

namespace nimbus::keyvalue {
namespace {

constexpr std::size_t kBatch = 1000;
constexpr std::size_t kManyKeys = 20'000;
// Of a key beyond its text.
constexpr std::uint64_t kKeyBytes = 64;

// The same in every process, so that a listing may go on elsewhere. Who makes texts collide spoils
// pages of a bucket of his own.
constexpr HashKey kListingHash{0x6e696d6275732d6b, 0x762d6c697374696e};

struct Seen {
  NatsKeys::Key key;
  std::size_t order;
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
      : subjects_(subjects), memory_(std::move(memory)) {}
  Batches(const Batches&) = delete;
  Batches& operator=(const Batches&) = delete;
  ~Batches() { memory_->give(bytes_); }

  void begin(std::string reply) {
    reply_ = std::move(reply);
    count_ = 0;
    end_.emplace();
  }
  // How many keys the batch had.
  [[nodiscard]] Task<Result<std::size_t>> end() { return end_->wait(); }
  void fail(Error why) { end_->set(std::unexpected(std::move(why))); }

  // Messages have the subject they were stored at, and the words about them that of the request.
  void received(nats::Message message) override {
    if (message.subject() == reply_) return receivedStatus(message.status());
    if (!message.subject().starts_with("$KV.")) return;  // about an earlier request
    count_ += 1;
    if (auto taken = take(message); !taken) return fail(std::move(taken).error());
    if (count_ == kBatch || pendingIn(message.reply()) == 0U) end_->set(count_);
  }
  void noResponders() override {
    fail({ErrorCode::kUnavailable, "the NATS server has given up the consumer of a listing"});
  }
  void lost(Error why) override { fail(std::move(why)); }

  [[nodiscard]] std::vector<Seen> takeSeen() { return std::move(seen_); }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  void receivedStatus(int status) {
    constexpr int kHeartbeat = 100;
    constexpr int kNoMessages = 404;
    constexpr int kNoMore = 408;
    if (status == kHeartbeat) return;
    if (status == kNoMessages || status == kNoMore) return end_->set(count_);
    fail({ErrorCode::kUnavailable,
          fmt::format("the NATS server ends a listing with status {}", status)});
  }

  Result<void> take(const nats::Message& message) {
    auto key = subjects_.keyAt(message.subject(), message.header(kNatsLongKeyHeader));
    if (!key) return {};
    const std::uint64_t bytes = key->size() + kKeyBytes;
    if (seen_.size() >= kMaxNatsListedKeys || !memory_->take(bytes))
      return nimbus::fail(ErrorCode::kResourceExhausted,
                          fmt::format("there are too many keys to list: at most {} of a bucket, "
                                      "and {} bytes at once",
                                      kMaxNatsListedKeys, memory_->limit()));
    bytes_ += bytes;
    const std::uint64_t hash = keyedHash(*key, kListingHash) & ~kNatsHashFree;
    seen_.push_back({.key = {.hash = hash, .text = *std::move(key)},
                     .order = seen_.size(),
                     .is_deleted = isNatsDeletion(message.header("KV-Operation").value_or(""))});
    return {};
  }

  const NatsBucketSubjects& subjects_;
  const std::shared_ptr<Allowance> memory_;
  std::uint64_t bytes_ = 0;
  std::string reply_;
  std::size_t count_ = 0;
  std::vector<Seen> seen_;
  std::optional<OneShot<Result<std::size_t>>> end_{std::in_place};  // of the batch
};

// Of each key the last that was seen of it: it may have been written meanwhile.
NatsKeys sortedKeys(std::vector<Seen> seen, std::uint64_t bytes) {
  std::ranges::sort(seen, [](const Seen& a, const Seen& b) {
    if (a.key.hash != b.key.hash) return a.key.hash < b.key.hash;
    return a.key.text != b.key.text ? a.key.text < b.key.text : a.order > b.order;
  });
  const auto repeated = std::ranges::unique(
      seen, [](const Seen& a, const Seen& b) { return a.key.text == b.key.text; });
  seen.erase(repeated.begin(), repeated.end());
  NatsKeys keys{.sorted = {}, .bytes = bytes};
  keys.sorted.reserve(seen.size());
  for (Seen& one : seen)
    if (!one.is_deleted) keys.sorted.push_back(std::move(one.key));
  return keys;
}

// Nothing is there any more once a request brings nothing.
Task<Result<void>> readAll(const NatsStream& stream, const std::string& consumer,
                           const std::string& inbox, Batches& batches) {
  NatsRequests& requests = stream.requests();
  const std::string subject = stream.nextSubject(consumer);
  const std::string request = fmt::format(R"({{"batch":{},"no_wait":true}})", kBatch);
  for (std::uint64_t number = 1;; ++number) {
    const std::string reply = fmt::format("{}.{}", inbox, number);
    batches.begin(reply);
    CO_TRY_VOID(requests.connection().publish(subject, reply, asBytes(request)));
    net::Timer limit(*net::Shard::current(), [&batches] {
      batches.fail({ErrorCode::kUnavailable, "the NATS server did not go on with a listing"});
    });
    limit.armAfter(requests.timeout());
    CO_TRY(const std::size_t count, co_await batches.end());
    if (count == 0) co_return Result<void>();
  }
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
  CO_TRY(const std::string consumer, co_await stream.createConsumer(subjects.all()));
  const auto read = co_await readAll(stream, consumer, inbox, batches);
  // Nobody waits for that; at worst the server forgets it by itself.
  static_cast<void>(connection.publish(stream.deletionSubject(consumer), inbox + ".end", {}));
  if (!read) co_return std::unexpected(read.error());
  std::vector<Seen> seen = batches.takeSeen();
  const std::uint64_t bytes = batches.bytes();
  if (seen.size() < kManyKeys) co_return sortedKeys(std::move(seen), bytes);
  co_return co_await sorter.run<NatsKeys>(shard, [seen = std::move(seen), bytes]() mutable {
    return sortedKeys(std::move(seen), bytes);
  });
}

}  // namespace nimbus::keyvalue
