#include "capability/keyvalue/sqlite/sqlite_database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include <fmt/format.h>

namespace nimbus::keyvalue {
namespace {

// How long a statement waits for another process's lock.
constexpr int kBusyTimeoutMs = 5000;

ErrorCode codeOf(int sqlite_code) {
  switch (sqlite_code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return ErrorCode::kUnavailable;
    case SQLITE_FULL:
    case SQLITE_TOOBIG:
    case SQLITE_NOMEM: return ErrorCode::kResourceExhausted;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH: return ErrorCode::kPermissionDenied;
    case SQLITE_MISUSE:
    case SQLITE_RANGE: return ErrorCode::kInternal;
    default: return ErrorCode::kIo;
  }
}

// SQLite would make it readable by everyone. Its other files take over the mode.
Result<void> makeFile(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return failErrno("the file", errno);
  ::close(file);
  return {};
}

}  // namespace

void SqliteDatabase::Close::operator()(sqlite3* database) const { sqlite3_close_v2(database); }
void SqliteStatement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

Result<std::unique_ptr<SqliteDatabase>> SqliteDatabase::open(const std::string& path,
                                                             Access access) {
  if (access == Access::kReadWrite) TRY_VOID(makeFile(path));
  const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                    (access == Access::kReadWrite ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags, nullptr);
  std::unique_ptr<SqliteDatabase> database(new SqliteDatabase(raw));
  if (code != SQLITE_OK) return database->failed(code);
  sqlite3_busy_timeout(raw, kBusyTimeoutMs);
  if (access == Access::kReadWrite) {
    TRY_VOID(
        database->execute("PRAGMA journal_mode = WAL; PRAGMA journal_size_limit = 67108864;"
                          "PRAGMA synchronous = FULL;"));
  }
  return database;
}

std::unexpected<Error> SqliteDatabase::failed(int code) {
  // Without the path: guests see this.
  Error error(codeOf(code), fmt::format("the database: {}",
                                        raw_ ? sqlite3_errmsg(raw_.get()) : sqlite3_errstr(code)));
  if (!failure_) failure_ = error;
  return std::unexpected(std::move(error));
}

std::optional<Error> SqliteDatabase::takeFailure() { return std::exchange(failure_, {}); }

Result<void> SqliteDatabase::execute(const char* statements) {
  const int code = sqlite3_exec(raw_.get(), statements, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return failed(code);
  return {};
}

Result<SqliteStatement> SqliteDatabase::prepare(std::string_view sql) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v3(raw_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  if (code != SQLITE_OK) return failed(code);
  return SqliteStatement(*this, raw);
}

Result<std::int64_t> SqliteDatabase::query(std::string_view sql) {
  TRY(auto statement, prepare(sql));
  TRY(const bool row, statement.step());
  if (!row) return fail(ErrorCode::kInternal, "a query without a row: " + std::string(sql));
  return statement.number(0);
}

// Binding fails for a wrong parameter only, and then step() does not find its value.
SqliteStatement& SqliteStatement::bind(int parameter, std::int64_t number) {
  sqlite3_bind_int64(raw_.get(), parameter, number);
  return *this;
}

SqliteStatement& SqliteStatement::bind(int parameter, std::string_view text) {
  // A null pointer would be NULL, not the empty text.
  sqlite3_bind_text64(raw_.get(), parameter, text.empty() ? "" : text.data(), text.size(),
                      SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}

SqliteStatement& SqliteStatement::bind(int parameter, ByteView blob) {
  sqlite3_bind_blob64(raw_.get(), parameter,
                      blob.empty() ? static_cast<const void*>("") : blob.data(), blob.size(),
                      SQLITE_STATIC);
  return *this;
}

Result<bool> SqliteStatement::step() {
  const int code = sqlite3_step(raw_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return database_->failed(code);
}

Result<void> SqliteStatement::run() {
  const auto stepped = step();
  reset();
  if (!stepped) return std::unexpected(stepped.error());
  return {};
}

void SqliteStatement::reset() { sqlite3_reset(raw_.get()); }

std::int64_t SqliteStatement::number(int column) const {
  return sqlite3_column_int64(raw_.get(), column);
}

std::string SqliteStatement::text(int column) const {
  const auto* text = sqlite3_column_text(raw_.get(), column);
  if (text == nullptr) return {};
  return {reinterpret_cast<const char*>(text), blobSize(column)};
}

Bytes SqliteStatement::blob(int column) const {
  const void* blob = sqlite3_column_blob(raw_.get(), column);
  if (blob == nullptr) return {};  // an empty one, too
  return Bytes::copyOf(ByteView(static_cast<const std::uint8_t*>(blob), blobSize(column)));
}

std::size_t SqliteStatement::blobSize(int column) const {
  return static_cast<std::size_t>(sqlite3_column_bytes(raw_.get(), column));
}

}  // namespace nimbus::keyvalue
