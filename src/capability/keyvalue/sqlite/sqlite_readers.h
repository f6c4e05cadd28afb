#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "capability/keyvalue/sqlite/sqlite_tables.h"
#include "net/blocking_worker.h"
#include "net/shard.h"

namespace nimbus::keyvalue {

// Threads that read a database, each with a connection of its own: they see what is committed, and
// neither wait for the writer nor hold it up. Any shard; callers are resumed on theirs. Destroying
// it finishes what has been given; shards live longer.
class SqliteReaders {
 public:
  [[nodiscard]] static Result<std::unique_ptr<SqliteReaders>> open(const std::string& path,
                                                                   std::size_t count);

  template <typename T>
  Task<Result<T>> read(std::function<Result<T>(SqliteTables&)> read) {
    return worker_.run<Result<T>>(*net::Shard::current(), [this, read = std::move(read)] {
      const Connection connection(*this);
      return read(connection.tables());
    });
  }

 private:
  using Connections = std::vector<std::unique_ptr<SqliteTables>>;
  explicit SqliteReaders(Connections connections);

  // One of the connections, for as long as it lives. There are as many as threads.
  class Connection {
   public:
    explicit Connection(SqliteReaders& owner);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection();
    [[nodiscard]] SqliteTables& tables() const { return *tables_; }

   private:
    SqliteReaders& owner_;
    std::unique_ptr<SqliteTables> tables_;
  };

  std::mutex mutex_;
  Connections free_;
  net::BlockingWorker worker_;  // last: its jobs use the members above
};

}  // namespace nimbus::keyvalue
