#include "capability/keyvalue/sqlite/sqlite_bucket.h"

#include <numeric>
#include <string>
#include <utility>

namespace nimbus::keyvalue {
namespace {

std::size_t sizeOf(const std::vector<std::string>& keys) {
  return std::accumulate(keys.begin(), keys.end(), std::size_t{0},
                         [](std::size_t sum, const std::string& key) { return sum + key.size(); });
}

}  // namespace

SqliteBucketRef SqliteBucket::here() const {
  return {where_.keyspace, where_.bucket, quota_->get()};
}

Eventual<Result<std::optional<Bytes>>> SqliteBucket::get(std::string_view key) {
  return threads_->readers->read<std::optional<Bytes>>(
      [bucket = where_.bucket, key = std::string(key)](SqliteTables& tables) {
        return tables.get(bucket, key);
      });
}

Eventual<Result<bool>> SqliteBucket::exists(std::string_view key) {
  return threads_->readers->read<bool>(
      [bucket = where_.bucket, key = std::string(key)](SqliteTables& tables) -> Result<bool> {
        TRY(const auto size, tables.sizeOf(bucket, key));
        return size.has_value();
      });
}

Eventual<Result<KeyPage>> SqliteBucket::listKeys(std::optional<std::uint64_t> cursor) {
  return threads_->readers->read<KeyPage>([bucket = where_.bucket, cursor](SqliteTables& tables) {
    return tables.list(bucket, cursor);
  });
}

Eventual<Result<Values>> SqliteBucket::getMany(std::vector<std::string> keys) {
  return threads_->readers->read<Values>(
      [bucket = where_.bucket, keys = std::move(keys)](SqliteTables& tables) {
        return tables.getMany(bucket, keys);
      });
}

Eventual<Result<void>> SqliteBucket::set(std::string_view key, ByteView value) {
  const std::size_t bytes = key.size() + value.size();
  return threads_->writer->change<void>(
      bytes, [where = here(), key = std::string(key), value = Bytes::copyOf(value)](
                 SqliteChanges& changes) { return changes.set(where, key, value.view()); });
}

Eventual<Result<void>> SqliteBucket::remove(std::string_view key) {
  return threads_->writer->change<void>(
      key.size(), [where = here(), key = std::string(key)](SqliteChanges& changes) {
        return changes.remove(where, key);
      });
}

Eventual<Result<std::uint64_t>> SqliteBucket::increment(std::string_view key, std::uint64_t delta) {
  return threads_->writer->change<std::uint64_t>(
      key.size(), [where = here(), key = std::string(key), delta](SqliteChanges& changes) {
        return changes.increment(where, key, delta);
      });
}

Eventual<Result<void>> SqliteBucket::setMany(std::vector<Entry> entries) {
  std::size_t bytes = 0;
  for (const Entry& entry : entries) bytes += entry.key.size() + entry.value.size();
  return threads_->writer->change<void>(
      bytes, [where = here(), entries = std::move(entries)](SqliteChanges& changes) {
        return changes.setMany(where, entries);
      });
}

Eventual<Result<void>> SqliteBucket::removeMany(std::vector<std::string> keys) {
  const std::size_t bytes = sizeOf(keys);
  return threads_->writer->change<void>(
      bytes, [where = here(), keys = std::move(keys)](SqliteChanges& changes) -> Result<void> {
        for (const std::string& key : keys) TRY_VOID(changes.remove(where, key));
        return {};
      });
}

}  // namespace nimbus::keyvalue
