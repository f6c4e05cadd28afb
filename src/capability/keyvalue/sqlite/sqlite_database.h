#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace nimbus::keyvalue {

class SqliteDatabase;

// A prepared statement. Use: bind all parameters (counted from 1), step() until it returns false or
// the row wanted is there, then reset(). Bound text must live until then.
class SqliteStatement {
 public:
  SqliteStatement& bind(int parameter, std::int64_t number);
  SqliteStatement& bind(int parameter, std::string_view text);
  SqliteStatement& bind(int parameter, ByteView blob);

  // True: there is a row.
  [[nodiscard]] Result<bool> step();
  // For statements without rows: step() and reset().
  [[nodiscard]] Result<void> run();
  void reset();

  // Of the current row; columns are counted from 0.
  [[nodiscard]] std::int64_t number(int column) const;
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] Bytes blob(int column) const;
  [[nodiscard]] std::size_t blobSize(int column) const;

 private:
  friend SqliteDatabase;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  SqliteStatement(SqliteDatabase& database, sqlite3_stmt* raw) : database_(&database), raw_(raw) {}

  SqliteDatabase* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> raw_;
};

// Resets a statement at the end of a scope, so that it holds no snapshot.
class SqliteReset {
 public:
  explicit SqliteReset(SqliteStatement& statement) : statement_(statement) {}
  SqliteReset(const SqliteReset&) = delete;
  SqliteReset& operator=(const SqliteReset&) = delete;
  ~SqliteReset() { statement_.reset(); }

 private:
  SqliteStatement& statement_;
};

// A connection to a database file in WAL mode. Used by one thread at a time; everything may block.
// Errors: kUnavailable (another process has locked it for seconds), kResourceExhausted (disk full),
// kIo (the disk, a corrupt file), kPermissionDenied.
class SqliteDatabase {
 public:
  enum class Access { kReadWrite, kRead };
  // kReadWrite makes the file, readable by its owner only, if there is none.
  [[nodiscard]] static Result<std::unique_ptr<SqliteDatabase>> open(const std::string& path,
                                                                    Access access);

  [[nodiscard]] Result<void> execute(const char* statements);
  [[nodiscard]] Result<SqliteStatement> prepare(std::string_view sql);
  // The first column of the first row.
  [[nodiscard]] Result<std::int64_t> query(std::string_view sql);

  // What went wrong in the database since the last call, if anything. A transaction in which
  // something did cannot be committed.
  [[nodiscard]] std::optional<Error> takeFailure();

 private:
  friend SqliteStatement;
  struct Close {
    void operator()(sqlite3* database) const;
  };
  explicit SqliteDatabase(sqlite3* raw) : raw_(raw) {}
  [[nodiscard]] std::unexpected<Error> failed(int code);

  std::unique_ptr<sqlite3, Close> raw_;
  std::optional<Error> failure_;
};

}  // namespace nimbus::keyvalue
