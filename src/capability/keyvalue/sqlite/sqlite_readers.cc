#include "capability/keyvalue/sqlite/sqlite_readers.h"

namespace nimbus::keyvalue {

Result<std::unique_ptr<SqliteReaders>> SqliteReaders::open(const std::string& path,
                                                           std::size_t count) {
  Connections connections;
  for (std::size_t i = 0; i < count; ++i) {
    TRY(auto database, SqliteDatabase::open(path, SqliteDatabase::Access::kRead));
    TRY(auto tables, SqliteTables::open(std::move(database)));
    connections.push_back(std::move(tables));
  }
  return std::unique_ptr<SqliteReaders>(new SqliteReaders(std::move(connections)));
}

SqliteReaders::SqliteReaders(Connections connections)
    : free_(std::move(connections)), worker_(free_.size()) {}

SqliteReaders::Connection::Connection(SqliteReaders& owner) : owner_(owner) {
  const std::lock_guard lock(owner_.mutex_);
  tables_ = std::move(owner_.free_.back());
  owner_.free_.pop_back();
}

SqliteReaders::Connection::~Connection() {
  const std::lock_guard lock(owner_.mutex_);
  owner_.free_.push_back(std::move(tables_));
}

}  // namespace nimbus::keyvalue
