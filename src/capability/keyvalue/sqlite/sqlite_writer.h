#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/sync.h"
#include "base/task.h"
#include "capability/keyvalue/sqlite/sqlite_changes.h"
#include "net/blocking_worker.h"
#include "net/shard.h"

namespace nimbus::keyvalue {

// The one thread that changes a database. Changes that wait while a transaction is being synced go
// into the next one together, so that many writers share the cost of the disk (group commit); each
// is acknowledged when its transaction is on disk. Any shard; callers are resumed on theirs.
// Destroying it finishes what has been given; shards live longer.
//
//   co_return co_await writer.change<void>(bytes, [=](SqliteChanges& changes) { return …; });
class SqliteWriter {
 public:
  explicit SqliteWriter(std::unique_ptr<SqliteChanges> changes) : changes_(std::move(changes)) {}
  // Finishes what has been given.
  ~SqliteWriter() = default;

  // Runs `change` in a transaction and completes when that is durable. It may run twice (if its
  // transaction fails because of another change), or not at all if the task is destroyed before.
  // `bytes`: what it keeps in memory meanwhile. kUnavailable if too much waits already.
  template <typename T>
  Task<Result<T>> change(std::size_t bytes, std::function<Result<T>(SqliteChanges&)> change) {
    const auto job =
        std::make_shared<TypedJob<T>>(*net::Shard::current(), bytes, std::move(change));
    const Abandon abandon(*job);
    CO_TRY_VOID(submit(job));
    co_return co_await job->arrived.wait();
  }

 private:
  struct Job {
    Job(net::Shard& caller, std::size_t kept_bytes) : shard(caller), bytes(kept_bytes) {}
    virtual ~Job() = default;
    // On the writer's thread.
    virtual void apply(SqliteChanges& changes) = 0;
    virtual void fail(const Error& error) = 0;
    // On the caller's shard.
    virtual void deliver() = 0;

    net::Shard& shard;
    const std::size_t bytes;
    std::atomic<bool> abandoned = false;
  };

  template <typename T>
  struct TypedJob final : Job {
    TypedJob(net::Shard& caller, std::size_t kept_bytes,
             std::function<Result<T>(SqliteChanges&)> work)
        : Job(caller, kept_bytes), change(std::move(work)) {}
    void apply(SqliteChanges& changes) override { result.emplace(change(changes)); }
    void fail(const Error& error) override { result.emplace(std::unexpected(error)); }
    void deliver() override {
      if (result) arrived.set(*std::move(result));
    }

    const std::function<Result<T>(SqliteChanges&)> change;
    std::optional<Result<T>> result;  // none if abandoned
    OneShot<Result<T>> arrived;       // touched on the shard only
  };

  // Nobody waits for the job any more.
  class Abandon {
   public:
    explicit Abandon(Job& job) : job_(job) {}
    Abandon(const Abandon&) = delete;
    Abandon& operator=(const Abandon&) = delete;
    ~Abandon() { job_.abandoned = true; }

   private:
    Job& job_;
  };

  using Jobs = std::vector<std::shared_ptr<Job>>;

  [[nodiscard]] Result<void> submit(std::shared_ptr<Job> job);
  void commitWaiting();
  [[nodiscard]] Jobs takeWaiting();
  // False, and nothing has changed, if the database failed; the error is the transaction's.
  [[nodiscard]] Result<void> runTransaction(const Jobs& jobs);
  void runOneByOne(const Jobs& jobs);
  static void deliver(Jobs jobs);

  const std::unique_ptr<SqliteChanges> changes_;  // the worker's
  std::mutex mutex_;
  Jobs waiting_;
  std::size_t waiting_bytes_ = 0;
  net::BlockingWorker worker_;  // last: its jobs use the members above
};

}  // namespace nimbus::keyvalue
