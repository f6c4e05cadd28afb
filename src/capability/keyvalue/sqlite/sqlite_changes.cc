#include "capability/keyvalue/sqlite/sqlite_changes.h"

#include <string>
#include <utility>

#include "capability/keyvalue/limits.h"

namespace nimbus::keyvalue {
namespace {

template <typename Id>
std::int64_t number(Id id) {
  return static_cast<std::int64_t>(id.value);
}

std::uint64_t unsignedNumber(std::int64_t stored) { return static_cast<std::uint64_t>(stored); }

}  // namespace

Result<std::unique_ptr<SqliteChanges>> SqliteChanges::open(const std::string& path) {
  TRY(auto database, SqliteDatabase::open(path, SqliteDatabase::Access::kReadWrite));
  TRY_VOID(SqliteTables::prepareFile(*database));
  TRY(auto statements, prepare(*database));
  TRY(auto tables, SqliteTables::open(std::move(database)));
  return std::unique_ptr<SqliteChanges>(
      new SqliteChanges(std::move(tables), std::move(statements)));
}

Result<SqliteChanges::Statements> SqliteChanges::prepare(SqliteDatabase& database) {
  TRY(auto add_keyspace, database.prepare("INSERT INTO keyspaces (name) VALUES (?1) RETURNING id"));
  TRY(auto find_keyspace, database.prepare("SELECT id FROM keyspaces WHERE name = ?1"));
  TRY(auto add_bucket,
      database.prepare("INSERT INTO buckets (keyspace, name) VALUES (?1, ?2) RETURNING id"));
  TRY(auto count_buckets, database.prepare("SELECT count(*) FROM buckets WHERE keyspace = ?1"));
  TRY(auto find_usage, database.prepare("SELECT bytes, keys FROM keyspaces WHERE id = ?1"));
  TRY(auto write_usage,
      database.prepare("UPDATE keyspaces SET bytes = ?2, keys = ?3 WHERE id = ?1"));
  TRY(auto put, database.prepare("INSERT INTO entries (bucket, key, value) VALUES (?1, ?2, ?3) "
                                 "ON CONFLICT (bucket, key) DO UPDATE SET value = excluded.value"));
  TRY(auto erase, database.prepare("DELETE FROM entries WHERE bucket = ?1 AND key = ?2"));
  return Statements{std::move(add_keyspace),  std::move(find_keyspace), std::move(add_bucket),
                    std::move(count_buckets), std::move(find_usage),    std::move(write_usage),
                    std::move(put),           std::move(erase)};
}

Result<void> SqliteChanges::begin() { return database().execute("BEGIN IMMEDIATE"); }

Result<void> SqliteChanges::commit() {
  auto committed = writeUsage();
  if (committed) committed = database().execute("COMMIT");
  if (!committed) rollback();
  return committed;
}

void SqliteChanges::rollback() {
  usage_.clear();
  // Some failures have rolled back by themselves; then there is nothing to end.
  static_cast<void>(database().execute("ROLLBACK"));
  static_cast<void>(database().takeFailure());
}

Result<void> SqliteChanges::writeUsage() {
  for (auto& [keyspace, usage] : usage_) {
    if (!usage.changed) continue;
    sql_.write_usage.bind(1, number(keyspace))
        .bind(2, static_cast<std::int64_t>(usage.bytes))
        .bind(3, static_cast<std::int64_t>(usage.keys));
    TRY_VOID(sql_.write_usage.run());
    usage.changed = false;
  }
  return {};
}

Result<SqliteKeyspaceId> SqliteChanges::openKeyspace(std::string_view name) {
  {
    const SqliteReset reset(sql_.find_keyspace);
    TRY(const bool found, sql_.find_keyspace.bind(1, name).step());
    if (found) return SqliteKeyspaceId{unsignedNumber(sql_.find_keyspace.number(0))};
  }
  const SqliteReset reset(sql_.add_keyspace);
  TRY_VOID(sql_.add_keyspace.bind(1, name).step());
  return SqliteKeyspaceId{unsignedNumber(sql_.add_keyspace.number(0))};
}

Result<SqliteBucketRef> SqliteChanges::openBucket(std::string_view keyspace_name,
                                                  std::string_view name) {
  TRY(const SqliteKeyspaceId keyspace, openKeyspace(keyspace_name));
  TRY(const auto known, tables_->findBucket(keyspace_name, name));
  if (known) return SqliteBucketRef{keyspace, *known, {}};
  {
    const SqliteReset reset(sql_.count_buckets);
    TRY_VOID(sql_.count_buckets.bind(1, number(keyspace)).step());
    if (unsignedNumber(sql_.count_buckets.number(0)) >= kMaxBuckets)
      return failQuota("buckets", kMaxBuckets);
  }
  const SqliteReset reset(sql_.add_bucket);
  TRY_VOID(sql_.add_bucket.bind(1, number(keyspace)).bind(2, name).step());
  return SqliteBucketRef{keyspace, SqliteBucketId{unsignedNumber(sql_.add_bucket.number(0))}, {}};
}

Result<SqliteChanges::Usage*> SqliteChanges::usageOf(SqliteKeyspaceId keyspace) {
  if (const auto known = usage_.find(keyspace); known != usage_.end()) return &known->second;
  const SqliteReset reset(sql_.find_usage);
  TRY_VOID(sql_.find_usage.bind(1, number(keyspace)).step());
  const Usage usage{unsignedNumber(sql_.find_usage.number(0)),
                    unsignedNumber(sql_.find_usage.number(1))};
  return &usage_.emplace(keyspace, usage).first->second;
}

Result<void> SqliteChanges::measure(SqliteBucketId bucket, std::string_view key,
                                    std::size_t value_bytes, Difference& difference) {
  TRY(const auto old_size, tables_->sizeOf(bucket, key));
  difference.new_bytes += entryCost(key.size(), value_bytes);
  if (old_size) {
    difference.old_bytes += entryCost(key.size(), *old_size);
  } else {
    difference.new_keys += 1;
  }
  return {};
}

Result<void> SqliteChanges::account(const SqliteBucketRef& in, const Difference& difference) {
  TRY(Usage* const usage, usageOf(in.keyspace));
  const std::uint64_t bytes = usage->bytes + difference.new_bytes - difference.old_bytes;
  const std::uint64_t keys = usage->keys + difference.new_keys;
  // Who is above a quota may still shrink.
  if (in.quota.max_keys && keys > *in.quota.max_keys && difference.new_keys > 0)
    return failQuota("keys", *in.quota.max_keys);
  if (in.quota.max_bytes && bytes > *in.quota.max_bytes && bytes > usage->bytes)
    return failQuota("bytes", *in.quota.max_bytes);
  *usage = {bytes, keys, true};
  return {};
}

Result<void> SqliteChanges::put(SqliteBucketId bucket, std::string_view key, ByteView value) {
  return sql_.put.bind(1, number(bucket)).bind(2, key).bind(3, value).run();
}

Result<void> SqliteChanges::set(const SqliteBucketRef& in, std::string_view key, ByteView value) {
  Difference difference;
  TRY_VOID(measure(in.bucket, key, value.size(), difference));
  TRY_VOID(account(in, difference));
  return put(in.bucket, key, value);
}

Result<void> SqliteChanges::remove(const SqliteBucketRef& in, std::string_view key) {
  TRY(const auto size, tables_->sizeOf(in.bucket, key));
  if (!size) return {};
  TRY(Usage* const usage, usageOf(in.keyspace));
  *usage = {usage->bytes - entryCost(key.size(), *size), usage->keys - 1, true};
  return sql_.erase.bind(1, number(in.bucket)).bind(2, key).run();
}

Result<std::uint64_t> SqliteChanges::increment(const SqliteBucketRef& in, std::string_view key,
                                               std::uint64_t delta) {
  TRY(const auto stored, tables_->get(in.bucket, key));
  TRY(const std::uint64_t sum, addToCounter(stored ? stored->text() : "0", delta));
  TRY_VOID(set(in, key, asBytes(std::to_string(sum))));
  return sum;
}

Result<void> SqliteChanges::setMany(const SqliteBucketRef& in, const std::vector<Entry>& entries) {
  // Of a key that is given twice, the last value stays.
  std::unordered_map<std::string_view, ByteView> last;
  for (const Entry& entry : entries) last[entry.key] = entry.value.view();
  Difference difference;
  for (const auto& [key, value] : last) TRY_VOID(measure(in.bucket, key, value.size(), difference));
  TRY_VOID(account(in, difference));
  for (const auto& [key, value] : last) TRY_VOID(put(in.bucket, key, value));
  return {};
}

}  // namespace nimbus::keyvalue
