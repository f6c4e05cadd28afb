#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "capability/keyvalue/sqlite/sqlite_tables.h"
#include "capability/keyvalue/store.h"

namespace nimbus::keyvalue {

struct SqliteBucketRef {
  SqliteKeyspaceId keyspace;
  SqliteBucketId bucket;
  Quota quota;  // of the keyspace, at the moment of the change
};

// Changes to the tables through the one connection that writes, within a transaction each. A change
// that is refused (a quota, a value that is no number) changes nothing. After one that fails in the
// database (SqliteDatabase::takeFailure), the transaction must be rolled back.
class SqliteChanges {
 public:
  [[nodiscard]] static Result<std::unique_ptr<SqliteChanges>> open(const std::string& path);

  [[nodiscard]] SqliteDatabase& database() { return tables_->database(); }

  [[nodiscard]] Result<void> begin();
  // What fails here is rolled back.
  [[nodiscard]] Result<void> commit();
  void rollback();

  // The bucket of that name, made if it is new; its quota is left open.
  [[nodiscard]] Result<SqliteBucketRef> openBucket(std::string_view keyspace,
                                                   std::string_view bucket);
  [[nodiscard]] Result<void> set(const SqliteBucketRef& in, std::string_view key, ByteView value);
  [[nodiscard]] Result<void> remove(const SqliteBucketRef& in, std::string_view key);
  [[nodiscard]] Result<std::uint64_t> increment(const SqliteBucketRef& in, std::string_view key,
                                                std::uint64_t delta);
  [[nodiscard]] Result<void> setMany(const SqliteBucketRef& in, const std::vector<Entry>& entries);

 private:
  // What a keyspace holds; written back at the end of the transaction.
  struct Usage {
    std::uint64_t bytes = 0;
    std::uint64_t keys = 0;
    bool changed = false;
  };
  // What a change adds and takes away.
  struct Difference {
    std::uint64_t new_bytes = 0;
    std::uint64_t old_bytes = 0;
    std::uint64_t new_keys = 0;
  };

  struct Statements {
    SqliteStatement add_keyspace;
    SqliteStatement find_keyspace;
    SqliteStatement add_bucket;
    SqliteStatement count_buckets;
    SqliteStatement find_usage;
    SqliteStatement write_usage;
    SqliteStatement put;
    SqliteStatement erase;
  };
  SqliteChanges(std::unique_ptr<SqliteTables> tables, Statements statements)
      : tables_(std::move(tables)), sql_(std::move(statements)) {}
  [[nodiscard]] static Result<Statements> prepare(SqliteDatabase& database);

  [[nodiscard]] Result<SqliteKeyspaceId> openKeyspace(std::string_view name);
  [[nodiscard]] Result<Usage*> usageOf(SqliteKeyspaceId keyspace);
  [[nodiscard]] Result<void> measure(SqliteBucketId bucket, std::string_view key,
                                     std::size_t value_bytes, Difference& difference);
  [[nodiscard]] Result<void> account(const SqliteBucketRef& in, const Difference& difference);
  [[nodiscard]] Result<void> put(SqliteBucketId bucket, std::string_view key, ByteView value);
  [[nodiscard]] Result<void> writeUsage();

  const std::unique_ptr<SqliteTables> tables_;
  Statements sql_;
  std::unordered_map<SqliteKeyspaceId, Usage> usage_;
};

}  // namespace nimbus::keyvalue
