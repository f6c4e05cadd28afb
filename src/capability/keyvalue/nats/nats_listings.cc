#include "capability/keyvalue/nats/nats_listings.h"

#include <algorithm>
#include <random>
#include <utility>

#include "capability/keyvalue/limits.h"
#include "net/shard.h"

namespace nimbus::keyvalue {
namespace {

constexpr std::size_t kMaxKept = 64;
constexpr std::uint64_t kMaxKeptBytes = kMaxNatsListingBytes;  // so that each of them fits
constexpr Duration kKeptFor = std::chrono::seconds(60);

std::uint64_t drawNumber() {
  thread_local std::minstd_rand random(std::random_device{}());
  return random() & kNatsHashFree;
}

}  // namespace

Result<KeyPage> cutNatsPage(const NatsKeys& keys, std::uint64_t from) {
  const auto begin = std::ranges::lower_bound(keys.sorted, from, {}, &NatsKeys::Key::hash);
  auto end = begin;
  for (std::size_t bytes = 0; end != keys.sorted.end() && bytes < kMaxPageBytes &&
                              std::distance(begin, end) < std::ptrdiff_t{kMaxPageKeys};
       ++end)
    bytes += end->text.size();
  KeyPage page;
  if (end != keys.sorted.end()) {
    page.cursor = end->hash;
    // Keys of one hash stay together: the cursor cannot part them.
    while (end != begin && (end - 1)->hash == *page.cursor) --end;
    if (end == begin)
      return fail(ErrorCode::kResourceExhausted, "too many keys have the same hash to list them");
  }
  page.keys.reserve(static_cast<std::size_t>(end - begin));
  for (auto key = begin; key != end; ++key) page.keys.push_back(key->text);
  return page;
}

Task<Result<KeyPage>> NatsListings::page(const NatsStream& stream, NatsBucketSubjects subjects,
                                         std::optional<std::uint64_t> cursor) {
  const std::string filter = subjects.all();
  std::uint64_t number = cursor.value_or(0) & kNatsHashFree;
  Keys keys = cursor ? find(filter, number) : nullptr;
  const bool is_new = keys == nullptr;
  if (is_new) {
    CO_TRY(NatsKeys read, co_await readNatsKeys(stream, std::move(subjects), memory_, sorter_));
    keys = std::make_shared<const NatsKeys>(std::move(read));
    number = drawNumber();
  }
  CO_TRY(KeyPage page, cutNatsPage(*keys, cursor.value_or(0) & ~kNatsHashFree));
  if (page.cursor) {
    page.cursor = *page.cursor | number;
    if (is_new) keep(filter, number, std::move(keys));
  }
  co_return page;
}

NatsListings::Keys NatsListings::find(const std::string& filter, std::uint64_t number) {
  const TimePoint now = net::Shard::current()->now();
  const std::lock_guard lock(mutex_);
  dropOld(now);
  const auto found = std::ranges::find_if(
      kept_, [&](const Kept& kept) { return kept.number == number && kept.filter == filter; });
  if (found == kept_.end()) return nullptr;
  found->until = now + kKeptFor;
  kept_.splice(kept_.begin(), kept_, found);
  return found->keys;
}

void NatsListings::keep(std::string filter, std::uint64_t number, Keys keys) {
  const TimePoint now = net::Shard::current()->now();
  const std::lock_guard lock(mutex_);
  dropOld(now);
  if (keys->bytes > kMaxKeptBytes) return;
  while (!kept_.empty() &&
         (kept_.size() >= kMaxKept || kept_bytes_ + keys->bytes > kMaxKeptBytes)) {
    kept_bytes_ -= kept_.back().keys->bytes;
    kept_.pop_back();
  }
  kept_bytes_ += keys->bytes;
  kept_.push_front({std::move(filter), number, std::move(keys), now + kKeptFor});
}

void NatsListings::dropOld(TimePoint now) {
  std::erase_if(kept_, [&](const Kept& kept) {
    if (kept.until > now) return false;
    kept_bytes_ -= kept.keys->bytes;
    return true;
  });
}

}  // namespace nimbus::keyvalue
