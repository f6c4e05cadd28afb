#include "capability/keyvalue/memory/memory_bucket.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "capability/keyvalue/limits.h"
#include "capability/keyvalue/memory/keyed_hash.h"
#include "capability/keyvalue/page_builder.h"

namespace nimbus::keyvalue {
namespace {

MemoryStripe::Key keyOf(std::string_view text) { return {text, keyedHash(text)}; }

// The last value of each key.
std::unordered_map<std::string_view, Bytes> lastValues(const std::vector<Entry>& entries) {
  std::unordered_map<std::string_view, Bytes> last;
  for (const Entry& entry : entries) last[entry.key] = entry.value;
  return last;
}

}  // namespace

Result<void> MemoryUsage::take(std::uint64_t new_bytes, std::uint64_t new_keys) {
  if (!keys.take(new_keys)) return failQuota("keys", keys.limit());
  if (!bytes.take(new_bytes)) {
    keys.give(new_keys);
    return failQuota("bytes", bytes.limit());
  }
  auto taken = takeOfStore(new_bytes);
  if (!taken) {
    keys.give(new_keys);
    bytes.give(new_bytes);
  }
  return taken;
}

Result<void> MemoryUsage::takeOfStore(std::uint64_t new_bytes) {
  if (store_bytes->take(new_bytes)) return {};
  return fail(ErrorCode::kResourceExhausted,
              fmt::format("the {} bytes that all who share this store have are used up",
                          store_bytes->limit()));
}

void MemoryUsage::give(std::uint64_t old_bytes, std::uint64_t old_keys) {
  keys.give(old_keys);
  bytes.give(old_bytes);
  store_bytes->give(old_bytes);
}

MemoryBucket::~MemoryBucket() {
  usage_.store_bytes->give(kMemoryBucketBytes);
  for (Stripe& stripe : stripes_) {
    stripe.entries.listFrom(0, [&](const std::string& key) {
      const Bytes* value = stripe.entries.find(keyOf(key));
      usage_.give(entryCost(key.size(), value->size()), 1);
      return true;
    });
  }
}

// The index uses the low bits.
MemoryBucket::Stripe& MemoryBucket::stripeOf(const MemoryStripe::Key& key) {
  return stripes_[key.hash >> 60];
}

std::optional<Bytes> MemoryBucket::find(std::string_view text) {
  const MemoryStripe::Key key = keyOf(text);
  Stripe& stripe = stripeOf(key);
  const std::lock_guard lock(stripe.mutex);
  const Bytes* found = stripe.entries.find(key);
  return found == nullptr ? std::nullopt : std::optional(*found);
}

Result<Bytes> MemoryBucket::replace(MemoryStripe& entries, const MemoryStripe::Key& key,
                                    Bytes value) {
  const Bytes* old = entries.find(key);
  if (old == nullptr) {
    TRY_VOID(usage_.take(entryCost(key.text.size(), value.size()), 1));
  } else if (value.size() > old->size()) {
    TRY_VOID(usage_.take(value.size() - old->size(), 0));
  } else {
    usage_.give(old->size() - value.size(), 0);
  }
  return entries.set(key, std::move(value));
}

Eventual<Result<std::optional<Bytes>>> MemoryBucket::get(std::string_view key) {
  return Result<std::optional<Bytes>>(find(key));
}

Eventual<Result<bool>> MemoryBucket::exists(std::string_view key) {
  return Result<bool>(find(key).has_value());
}

Eventual<Result<void>> MemoryBucket::set(std::string_view text, ByteView value) {
  const MemoryStripe::Key key = keyOf(text);
  Bytes copy = Bytes::copyOf(value);
  Stripe& stripe = stripeOf(key);
  Result<Bytes> old = Bytes();  // freed without the lock
  {
    const std::lock_guard lock(stripe.mutex);
    old = replace(stripe.entries, key, std::move(copy));
  }
  if (!old) return Result<void>(std::unexpected(std::move(old).error()));
  return Result<void>();
}

void MemoryBucket::removeOne(std::string_view text) {
  const MemoryStripe::Key key = keyOf(text);
  Stripe& stripe = stripeOf(key);
  std::optional<Bytes> old;  // freed without the lock
  {
    const std::lock_guard lock(stripe.mutex);
    old = stripe.entries.remove(key);
  }
  if (old) usage_.give(entryCost(text.size(), old->size()), 1);
}

Eventual<Result<void>> MemoryBucket::remove(std::string_view key) {
  removeOne(key);
  return Result<void>();
}

Eventual<Result<std::uint64_t>> MemoryBucket::increment(std::string_view text,
                                                        std::uint64_t delta) {
  const MemoryStripe::Key key = keyOf(text);
  Stripe& stripe = stripeOf(key);
  const std::lock_guard lock(stripe.mutex);
  const Bytes* stored = stripe.entries.find(key);
  const auto sum = addToCounter(stored == nullptr ? "0" : stored->text(), delta);
  if (!sum) return sum;
  const auto old = replace(stripe.entries, key, Bytes::copyOf(std::to_string(*sum)));
  if (!old) return Result<std::uint64_t>(std::unexpected(old.error()));
  return sum;
}

// The cursor: the stripe in the upper half, the slot in the lower.
Eventual<Result<KeyPage>> MemoryBucket::listKeys(std::optional<std::uint64_t> cursor) {
  PageBuilder page;
  std::uint32_t slot = static_cast<std::uint32_t>(cursor.value_or(0));
  for (std::uint64_t i = cursor.value_or(0) >> 32; i < kStripes; ++i, slot = 0) {
    const std::lock_guard lock(stripes_[i].mutex);
    const auto next =
        stripes_[i].entries.listFrom(slot, [&](const std::string& key) { return page.take(key); });
    if (next) return Result<KeyPage>(page.finish((i << 32) | *next));
  }
  return Result<KeyPage>(page.finish(std::nullopt));
}

Eventual<Result<Values>> MemoryBucket::getMany(std::vector<std::string> keys) {
  Values values;
  values.reserve(keys.size());
  std::size_t bytes = 0;
  for (const std::string& key : keys) {
    values.push_back(find(key));
    bytes += values.back() ? values.back()->size() : 0;
    if (bytes > kMaxBatchResultBytes) return Result<Values>(failBatchResult());
  }
  return Result<Values>(std::move(values));
}

Eventual<Result<void>> MemoryBucket::setMany(std::vector<Entry> entries) {
  auto values = lastValues(entries);
  for (auto& [text, value] : values) value = Bytes::copyOf(value.view());
  std::vector<Bytes> old_values;  // freed without the locks
  std::array<std::unique_lock<std::mutex>, kStripes> locks;
  for (std::size_t i = 0; i < kStripes; ++i) locks[i] = std::unique_lock(stripes_[i].mutex);
  // All that will be added is taken first, then what is replaced is given back.
  std::uint64_t new_bytes = 0;
  std::uint64_t new_keys = 0;
  for (const auto& [text, value] : values) {
    const MemoryStripe::Key key = keyOf(text);
    const Bytes* old = stripeOf(key).entries.find(key);
    new_bytes += old == nullptr ? entryCost(text.size(), value.size())
                                : std::max(value.size(), old->size()) - old->size();
    new_keys += old == nullptr ? 1 : 0;
  }
  if (auto taken = usage_.take(new_bytes, new_keys); !taken) return taken;
  for (auto& [text, value] : values) {
    const MemoryStripe::Key key = keyOf(text);
    const std::size_t size = value.size();
    Bytes old = stripeOf(key).entries.set(key, std::move(value));
    if (old.size() > size) usage_.give(old.size() - size, 0);
    old_values.push_back(std::move(old));
  }
  return Result<void>();
}

Eventual<Result<void>> MemoryBucket::removeMany(std::vector<std::string> keys) {
  for (const std::string& key : keys) removeOne(key);
  return Result<void>();
}

}  // namespace nimbus::keyvalue
