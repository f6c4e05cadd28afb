#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "capability/keyvalue/sqlite/sqlite_database.h"
#include "capability/keyvalue/store.h"

namespace nimbus::keyvalue {

using SqliteKeyspaceId = StrongId<struct SqliteKeyspaceIdTag>;
using SqliteBucketId = StrongId<struct SqliteBucketIdTag>;

// What the tables hold (docs/formats/keyvalue-sqlite.md), seen through one connection. As its
// database: one thread at a time, may block.
class SqliteTables {
 public:
  // Makes the tables if the file is new; kUnsupported if a later version made them.
  [[nodiscard]] static Result<void> prepareFile(SqliteDatabase& database);
  [[nodiscard]] static Result<std::unique_ptr<SqliteTables>> open(
      std::unique_ptr<SqliteDatabase> database);

  [[nodiscard]] SqliteDatabase& database() { return *database_; }

  [[nodiscard]] Result<std::optional<SqliteBucketId>> findBucket(std::string_view keyspace,
                                                                 std::string_view bucket);
  [[nodiscard]] Result<std::optional<Bytes>> get(SqliteBucketId bucket, std::string_view key);
  // The size of the value; nothing if there is no such key.
  [[nodiscard]] Result<std::optional<std::size_t>> sizeOf(SqliteBucketId bucket,
                                                          std::string_view key);
  // The cursor is the id of the last entry listed.
  [[nodiscard]] Result<KeyPage> list(SqliteBucketId bucket, std::optional<std::uint64_t> cursor);
  [[nodiscard]] Result<Values> getMany(SqliteBucketId bucket, const std::vector<std::string>& keys);

 private:
  SqliteTables(std::unique_ptr<SqliteDatabase> database, SqliteStatement find_bucket,
               SqliteStatement get, SqliteStatement size_of, SqliteStatement list);
  [[nodiscard]] Result<Values> getEach(SqliteBucketId bucket, const std::vector<std::string>& keys);

  const std::unique_ptr<SqliteDatabase> database_;
  SqliteStatement find_bucket_;
  SqliteStatement get_;
  SqliteStatement size_of_;
  SqliteStatement list_;
};

}  // namespace nimbus::keyvalue
