#pragma once

#include <memory>
#include <string>

#include "capability/keyvalue/keyspace_table.h"
#include "capability/keyvalue/store.h"

namespace nimbus::keyvalue {

struct SqliteThreads;

struct SqliteStoreOptions {
  std::string path;  // of the database; its folder must exist
  std::size_t reader_threads = 4;
};

// Keys and values in an SQLite database (docs/formats/keyvalue-sqlite.md). A write that completed
// is on disk: it survives the process and the machine. One thread writes, others read, and shards
// only wait for them. May be destroyed before its keyspaces; who is last finishes the writes under
// way and blocks for it.
class SqliteStore final : public Store {
 public:
  // Blocks. kUnavailable, kPermissionDenied, kIo (a corrupt file, too), kUnsupported (a file of a
  // later version).
  [[nodiscard]] static Result<std::unique_ptr<SqliteStore>> open(const SqliteStoreOptions& options);

  std::shared_ptr<Keyspace> keyspace(std::string_view name) override;

 private:
  explicit SqliteStore(std::shared_ptr<SqliteThreads> threads) : threads_(std::move(threads)) {}

  const std::shared_ptr<SqliteThreads> threads_;
  KeyspaceTable keyspaces_;
};

}  // namespace nimbus::keyvalue
