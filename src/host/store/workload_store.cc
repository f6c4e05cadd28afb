#include "host/store/workload_store.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <utility>

#include <fmt/format.h>

#include "base/files.h"
#include "host/store/folder_lock.h"
#include "host/store/journal.h"
#include "host/store/journal_record.h"
#include "host/store/workload_files.h"
#include "host/store/workload_store_format.h"
#include "net/blocking_worker.h"

namespace nimbus::host {
namespace {

constexpr std::string_view kCounterFile = "generation";

// Generation numbers are taken from the file in blocks: after a crash the rest of a block is
// skipped, and only one apply in so many waits for the disk on their account.
constexpr std::uint64_t kGenerationBlock = 1024;

class FolderWorkloadStore final : public WorkloadStore {
 public:
  FolderWorkloadStore(net::Shard& shard, std::string folder, UniqueFd lock,
                      std::unique_ptr<Journal> journal, Logger& log)
      : shard_(shard),
        folder_(std::move(folder)),
        lock_(std::move(lock)),
        journal_(std::move(journal)),
        log_(log) {}

  // A clean end gives the rest of the block back.
  ~FolderWorkloadStore() override {
    if (reserved_until_ == 0) return;  // never opened
    if (const auto written = writeCounter(next_generation_); !written)
      log_.warn("the generation counter could not be written",
                {{"error", written.error().describe()}});
  }

  // Blocking; once, before anything else. A disk that takes nothing keeps no host from serving what
  // it has: only changes are refused, until it takes something again.
  Result<void> open() {
    TRY_VOID(adoptWorkloadFiles(folder_, *journal_, log_));
    TRY(next_generation_, readCounter());
    auto reserved = reserveBlock();
    if (reserved || journal_->keys().empty()) return reserved;
    reserved_until_ = next_generation_;
    log_.error("the state folder takes no changes", {{"error", reserved.error().describe()}});
    return {};
  }

  Task<std::vector<StoredWorkload>> load() override {
    return worker_.run<std::vector<StoredWorkload>>(shard_, [this] { return readAll(); });
  }

  Task<Result<void>> save(StoredWorkload workload) override {
    return change(encodePut(workloadKey(workload.spec->id()), encodeWorkloadRecord(workload)));
  }

  Task<Result<void>> remove(std::string id) override { return change(encodeDrop(workloadKey(id))); }

  Result<std::uint64_t> nextGeneration() override {
    if (next_generation_ >= reserved_until_) TRY_VOID(reserveBlock());
    return next_generation_++;
  }

  bool durable() const override { return true; }

 private:
  // Where the outcome of a change arrives; touched on the shard only.
  using Outcome = std::shared_ptr<OneShot<Result<void>>>;
  struct Changes {
    std::vector<std::string> lines;
    std::vector<Outcome> outcomes;
  };

  std::string pathOf(std::string_view name) const { return folder_ + "/" + std::string(name); }

  // Changes that come while the worker waits for the disk are written together, with one sync.
  Task<Result<void>> change(std::string line) {
    auto outcome = std::make_shared<OneShot<Result<void>>>();
    bool first = false;
    {
      const std::lock_guard lock(mutex_);
      first = waiting_.lines.empty();
      waiting_.lines.push_back(std::move(line));
      waiting_.outcomes.push_back(outcome);
    }
    if (first) worker_.post([this] { commitWaiting(); });
    return arrive(std::move(outcome));
  }

  static Task<Result<void>> arrive(Outcome outcome) { co_return co_await outcome->wait(); }

  void commitWaiting() {
    Changes changes;
    {
      const std::lock_guard lock(mutex_);
      changes = std::exchange(waiting_, {});
    }
    Result<void> committed = journal_->commit(changes.lines);
    shard_.post([outcomes = std::move(changes.outcomes), committed = std::move(committed)] {
      for (const Outcome& outcome : outcomes) outcome->set(committed);
    });
  }

  Result<void> writeCounter(std::uint64_t next) {
    return replaceFileDurably(folder_, std::string(kCounterFile), encodeCounterFile(next));
  }

  Result<void> reserveBlock() {
    TRY_VOID(writeCounter(next_generation_ + kGenerationBlock));
    reserved_until_ = next_generation_ + kGenerationBlock;
    return {};
  }

  Result<std::uint64_t> readCounter() {
    const auto content = readFile(pathOf(kCounterFile), kMaxStoreFileBytes);
    if (!content && content.error().code() == ErrorCode::kNotFound)
      return newestStoredGeneration() + 1;
    if (!content) return std::unexpected(content.error());
    const auto counted = decodeCounterFile(*content);
    if (counted) return *counted;
    setAside(pathOf(kCounterFile), counted.error(), log_);
    // Lost: what the workloads say is a lower bound; removed ones may have had a little more.
    return newestStoredGeneration() + kGenerationBlock;
  }

  std::uint64_t newestStoredGeneration() {
    std::uint64_t newest = 0;
    for (const StoredWorkload& workload : readAll()) newest = std::max(newest, workload.generation);
    return newest;
  }

  std::vector<StoredWorkload> readAll() {
    std::vector<StoredWorkload> all;
    for (const std::string& key : journal_->keys()) {
      auto workload = readOne(key);
      if (workload)
        all.push_back(*std::move(workload));
      else
        log_.error("a stored workload cannot be used",
                   {{"workload", key}, {"error", workload.error().describe()}});
    }
    return all;
  }

  Result<StoredWorkload> readOne(const std::string& key) const {
    TRY(const std::string record, journal_->read(key));
    return decodeWorkloadEntry(key, record);
  }

  net::Shard& shard_;
  const std::string folder_;
  UniqueFd lock_;
  const std::unique_ptr<Journal> journal_;  // the worker's, once the store is open
  Logger& log_;
  std::uint64_t next_generation_ = 1;
  std::uint64_t reserved_until_ = 0;
  std::mutex mutex_;
  Changes waiting_;             // for the worker
  net::BlockingWorker worker_;  // last: its jobs use the members above
};

}  // namespace

Result<std::unique_ptr<WorkloadStore>> openWorkloadStore(net::Shard& shard, std::string folder,
                                                         Logger& log) {
  TRY_VOID(ensurePrivateFolder(folder));
  TRY(UniqueFd lock, claimFolder(folder, "state"));
  TRY(auto journal, Journal::open(folder, {}, log));
  auto store = std::make_unique<FolderWorkloadStore>(shard, std::move(folder), std::move(lock),
                                                     std::move(journal), log);
  TRY_VOID(store->open());
  return store;
}

}  // namespace nimbus::host
