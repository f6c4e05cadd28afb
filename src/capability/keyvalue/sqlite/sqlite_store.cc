#include "capability/keyvalue/sqlite/sqlite_store.h"

#include <system_error>
#include <utility>

#include "base/thread_error.h"
#include "capability/keyvalue/bucket_table.h"
#include "capability/keyvalue/sqlite/sqlite_bucket.h"

namespace nimbus::keyvalue {
namespace {

// Buckets are looked up in the database once; then opening one completes at once.
class SqliteKeyspace final : public Keyspace, public std::enable_shared_from_this<SqliteKeyspace> {
 public:
  SqliteKeyspace(std::shared_ptr<SqliteThreads> threads, std::string name)
      : threads_(std::move(threads)), name_(std::move(name)) {}

  Eventual<Result<std::shared_ptr<Bucket>>> open(std::string_view name) override {
    if (auto found = buckets_.find(name)) return Result<std::shared_ptr<Bucket>>(std::move(found));
    return openInDatabase(shared_from_this(), std::string(name));
  }

  void limit(const Quota& quota) override { quota_->set(quota); }

 private:
  static Task<Result<std::shared_ptr<Bucket>>> openInDatabase(std::shared_ptr<SqliteKeyspace> self,
                                                              std::string name) {
    CO_TRY(const SqliteBucketRef where, co_await self->threads_->writer->change<SqliteBucketRef>(
                                            name.size(), [self, name](SqliteChanges& changes) {
                                              return changes.openBucket(self->name_, name);
                                            }));
    co_return self->buckets_.keep(std::move(name), [&] {
      return std::make_shared<SqliteBucket>(self->threads_, self->quota_, where);
    });
  }

  const std::shared_ptr<SqliteThreads> threads_;
  const std::string name_;
  const std::shared_ptr<SharedQuota> quota_ = std::make_shared<SharedQuota>();
  BucketTable buckets_;
};

Result<std::shared_ptr<SqliteThreads>> openThreads(const SqliteStoreOptions& options) {
  auto threads = std::make_shared<SqliteThreads>();
  TRY(auto changes, SqliteChanges::open(options.path));
  try {
    TRY(threads->readers, SqliteReaders::open(options.path, options.reader_threads));
    threads->writer = std::make_unique<SqliteWriter>(std::move(changes));
  } catch (const std::system_error& error) {
    return failThread(error);
  }
  return threads;
}

}  // namespace

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(const SqliteStoreOptions& options) {
  auto threads = openThreads(options);
  if (!threads)
    return fail(threads.error().code(), "cannot open " + options.path, std::move(threads).error());
  return std::unique_ptr<SqliteStore>(new SqliteStore(*std::move(threads)));
}

std::shared_ptr<Keyspace> SqliteStore::keyspace(std::string_view name) {
  return keyspaces_.get(
      name, [&] { return std::make_shared<SqliteKeyspace>(threads_, std::string(name)); });
}

}  // namespace nimbus::keyvalue
