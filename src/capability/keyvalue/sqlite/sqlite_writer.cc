#include "capability/keyvalue/sqlite/sqlite_writer.h"

#include <iterator>
#include <map>

namespace nimbus::keyvalue {
namespace {

constexpr std::size_t kMaxWaitingJobs = 65'536;
constexpr std::size_t kMaxWaitingBytes = 256 << 20;
// A transaction ends at the first of these, so that who came first does not wait for all.
constexpr std::size_t kMaxTransactionJobs = 2048;
constexpr std::size_t kMaxTransactionBytes = 32 << 20;

}  // namespace

Result<void> SqliteWriter::submit(std::shared_ptr<Job> job) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= kMaxWaitingJobs || waiting_bytes_ + job->bytes > kMaxWaitingBytes)
      return fail(ErrorCode::kUnavailable, "too many writes wait for the disk");
    first = waiting_.empty();
    waiting_bytes_ += job->bytes;
    waiting_.push_back(std::move(job));
  }
  if (first) worker_.post([this] { commitWaiting(); });
  return {};
}

SqliteWriter::Jobs SqliteWriter::takeWaiting() {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  std::size_t bytes = 0;
  while (count < waiting_.size() && count < kMaxTransactionJobs && bytes < kMaxTransactionBytes) {
    bytes += waiting_[count]->bytes;
    count += 1;
  }
  waiting_bytes_ -= bytes;
  if (count == waiting_.size()) return std::exchange(waiting_, {});
  const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(count);
  Jobs taken(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end));
  waiting_.erase(waiting_.begin(), end);
  worker_.post([this] { commitWaiting(); });
  return taken;
}

void SqliteWriter::commitWaiting() {
  Jobs jobs = takeWaiting();
  std::erase_if(jobs, [](const auto& job) { return job->abandoned.load(); });
  if (jobs.empty()) return;
  if (const auto committed = runTransaction(jobs); !committed) {
    if (jobs.size() == 1) {
      jobs.front()->fail(committed.error());
    } else {
      runOneByOne(jobs);
    }
  }
  deliver(std::move(jobs));
}

Result<void> SqliteWriter::runTransaction(const Jobs& jobs) {
  static_cast<void>(changes_->database().takeFailure());
  TRY_VOID(changes_->begin());
  for (const auto& job : jobs) {
    if (job->abandoned) continue;
    job->apply(*changes_);
    if (auto failure = changes_->database().takeFailure()) {
      changes_->rollback();
      return std::unexpected(*std::move(failure));
    }
  }
  return changes_->commit();
}

// So that one change which the database cannot take fails no other.
void SqliteWriter::runOneByOne(const Jobs& jobs) {
  for (const auto& job : jobs) {
    if (const auto committed = runTransaction({job}); !committed) job->fail(committed.error());
  }
}

// One message for each shard, in the order of the changes.
void SqliteWriter::deliver(Jobs jobs) {
  std::map<net::Shard*, Jobs> by_shard;
  for (auto& job : jobs) by_shard[&job->shard].push_back(std::move(job));
  for (auto& [shard, part] : by_shard) {
    shard->post([part = std::move(part)] {
      for (const auto& job : part) job->deliver();
    });
  }
}

}  // namespace nimbus::keyvalue
