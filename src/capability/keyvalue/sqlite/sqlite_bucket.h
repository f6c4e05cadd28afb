#pragma once

#include <memory>

#include "capability/keyvalue/shared_quota.h"
#include "capability/keyvalue/sqlite/sqlite_changes.h"
#include "capability/keyvalue/sqlite/sqlite_readers.h"
#include "capability/keyvalue/sqlite/sqlite_writer.h"
#include "capability/keyvalue/store.h"

namespace nimbus::keyvalue {

// The threads of one database; shared by all who use it. The writer is the last to go: the last
// connection brings everything from the log into the file.
struct SqliteThreads {
  std::unique_ptr<SqliteWriter> writer;
  std::unique_ptr<SqliteReaders> readers;
};

// A bucket in a database. Every call is a task: a job for a thread that may block.
class SqliteBucket final : public Bucket {
 public:
  SqliteBucket(std::shared_ptr<SqliteThreads> threads, std::shared_ptr<SharedQuota> quota,
               const SqliteBucketRef& where)
      : threads_(std::move(threads)), quota_(std::move(quota)), where_(where) {}

  Eventual<Result<std::optional<Bytes>>> get(std::string_view key) override;
  Eventual<Result<void>> set(std::string_view key, ByteView value) override;
  Eventual<Result<void>> remove(std::string_view key) override;
  Eventual<Result<bool>> exists(std::string_view key) override;
  Eventual<Result<KeyPage>> listKeys(std::optional<std::uint64_t> cursor) override;
  Eventual<Result<std::uint64_t>> increment(std::string_view key, std::uint64_t delta) override;
  Eventual<Result<Values>> getMany(std::vector<std::string> keys) override;
  Eventual<Result<void>> setMany(std::vector<Entry> entries) override;
  Eventual<Result<void>> removeMany(std::vector<std::string> keys) override;

 private:
  [[nodiscard]] SqliteBucketRef here() const;

  const std::shared_ptr<SqliteThreads> threads_;
  const std::shared_ptr<SharedQuota> quota_;
  const SqliteBucketRef where_;
};

}  // namespace nimbus::keyvalue
