#include "capability/keyvalue/sqlite/sqlite_tables.h"

#include <limits>
#include <utility>

#include <fmt/format.h>

#include "capability/keyvalue/limits.h"
#include "capability/keyvalue/page_builder.h"

namespace nimbus::keyvalue {
namespace {

constexpr std::int64_t kVersion = 1;
constexpr std::int64_t kApplicationId = 0x4e6d4b76;  // "NmKv"

// The ids of entries grow with each new key, and a key keeps its own until it is removed: that is
// what cursors rely on. The index by bucket has the id as its last column.
constexpr const char* kSchema = R"(
  CREATE TABLE keyspaces (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    bytes INTEGER NOT NULL DEFAULT 0,
    keys INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE TABLE buckets (
    id INTEGER PRIMARY KEY,
    keyspace INTEGER NOT NULL REFERENCES keyspaces (id),
    name TEXT NOT NULL,
    UNIQUE (keyspace, name)
  ) STRICT;
  CREATE TABLE entries (
    id INTEGER PRIMARY KEY,
    bucket INTEGER NOT NULL REFERENCES buckets (id),
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    UNIQUE (bucket, key)
  ) STRICT;
  CREATE INDEX entries_by_bucket ON entries (bucket);
  PRAGMA user_version = 1;
  PRAGMA application_id = 1315785590;
)";
static_assert(kApplicationId == 1315785590);

std::int64_t number(SqliteBucketId id) { return static_cast<std::int64_t>(id.value); }

Result<void> makeTables(SqliteDatabase& database) {
  TRY(const std::int64_t version, database.query("PRAGMA user_version"));
  TRY(const std::int64_t application, database.query("PRAGMA application_id"));
  TRY(const std::int64_t tables, database.query("SELECT count(*) FROM sqlite_schema"));
  if (version == 0 && application == 0 && tables == 0) return database.execute(kSchema);
  if (application != kApplicationId)
    return fail(ErrorCode::kInvalidArgument, "the database is not one of keys and values");
  if (version != kVersion)
    return fail(
        ErrorCode::kUnsupported,
        fmt::format("the database has version {}; this program knows {}", version, kVersion));
  return {};
}

}  // namespace

Result<void> SqliteTables::prepareFile(SqliteDatabase& database) {
  TRY_VOID(database.execute("BEGIN IMMEDIATE"));
  if (auto made = makeTables(database); !made) {
    static_cast<void>(database.execute("ROLLBACK"));
    return made;
  }
  return database.execute("COMMIT");
}

Result<std::unique_ptr<SqliteTables>> SqliteTables::open(std::unique_ptr<SqliteDatabase> database) {
  TRY(auto find_bucket,
      database->prepare("SELECT b.id FROM buckets b JOIN keyspaces k ON k.id = b.keyspace "
                        "WHERE k.name = ?1 AND b.name = ?2"));
  TRY(auto get, database->prepare("SELECT value FROM entries WHERE bucket = ?1 AND key = ?2"));
  TRY(auto size_of,
      database->prepare("SELECT length(value) FROM entries WHERE bucket = ?1 AND key = ?2"));
  TRY(auto list, database->prepare("SELECT id, key FROM entries INDEXED BY entries_by_bucket "
                                   "WHERE bucket = ?1 AND id > ?2 ORDER BY id"));
  return std::unique_ptr<SqliteTables>(new SqliteTables(std::move(database), std::move(find_bucket),
                                                        std::move(get), std::move(size_of),
                                                        std::move(list)));
}

SqliteTables::SqliteTables(std::unique_ptr<SqliteDatabase> database, SqliteStatement find_bucket,
                           SqliteStatement get, SqliteStatement size_of, SqliteStatement list)
    : database_(std::move(database)),
      find_bucket_(std::move(find_bucket)),
      get_(std::move(get)),
      size_of_(std::move(size_of)),
      list_(std::move(list)) {}

Result<std::optional<SqliteBucketId>> SqliteTables::findBucket(std::string_view keyspace,
                                                               std::string_view bucket) {
  const SqliteReset reset(find_bucket_);
  TRY(const bool row, find_bucket_.bind(1, keyspace).bind(2, bucket).step());
  if (!row) return std::nullopt;
  return SqliteBucketId{static_cast<std::uint64_t>(find_bucket_.number(0))};
}

Result<std::optional<Bytes>> SqliteTables::get(SqliteBucketId bucket, std::string_view key) {
  const SqliteReset reset(get_);
  TRY(const bool row, get_.bind(1, number(bucket)).bind(2, key).step());
  if (!row) return std::nullopt;
  return get_.blob(0);
}

Result<std::optional<std::size_t>> SqliteTables::sizeOf(SqliteBucketId bucket,
                                                        std::string_view key) {
  const SqliteReset reset(size_of_);
  TRY(const bool row, size_of_.bind(1, number(bucket)).bind(2, key).step());
  if (!row) return std::nullopt;
  return static_cast<std::size_t>(size_of_.number(0));
}

Result<KeyPage> SqliteTables::list(SqliteBucketId bucket, std::optional<std::uint64_t> cursor) {
  constexpr std::uint64_t kMaxId = std::numeric_limits<std::int64_t>::max();
  std::uint64_t last = std::min(cursor.value_or(0), kMaxId);
  const SqliteReset reset(list_);
  list_.bind(1, number(bucket)).bind(2, static_cast<std::int64_t>(last));
  PageBuilder page;
  while (true) {
    TRY(const bool row, list_.step());
    if (!row) return page.finish(std::nullopt);
    if (!page.take(list_.text(1))) return page.finish(last);
    last = static_cast<std::uint64_t>(list_.number(0));
  }
}

Result<Values> SqliteTables::getMany(SqliteBucketId bucket, const std::vector<std::string>& keys) {
  TRY_VOID(database_->execute("BEGIN"));  // all of one moment
  auto values = getEach(bucket, keys);
  TRY_VOID(database_->execute("COMMIT"));
  return values;
}

Result<Values> SqliteTables::getEach(SqliteBucketId bucket, const std::vector<std::string>& keys) {
  Values values;
  values.reserve(keys.size());
  std::size_t bytes = 0;
  for (const std::string& key : keys) {
    TRY(auto value, get(bucket, key));
    bytes += value ? value->size() : 0;
    if (bytes > kMaxBatchResultBytes) return failBatchResult();
    values.push_back(std::move(value));
  }
  return values;
}

}  // namespace nimbus::keyvalue
