#include "host/workload_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "host/blocking_worker.h"
#include "host/files.h"
#include "host/workload_store_format.h"

namespace nimbus::host {
namespace {

constexpr std::size_t kMaxFileBytes = 2 * 1024 * 1024;
constexpr std::string_view kCounterFile = "generation";
constexpr std::string_view kLockFile = "lock";
constexpr std::string_view kCorruptSuffix = ".corrupt";

// Generation numbers are taken from the file in blocks: after a crash the rest of a block is
// skipped, and only one apply in so many waits for the disk on their account.
constexpr std::uint64_t kGenerationBlock = 1024;

class FolderWorkloadStore final : public WorkloadStore {
 public:
  FolderWorkloadStore(net::Shard& shard, std::string folder, OpenFile lock, Logger& log)
      : shard_(shard), folder_(std::move(folder)), lock_(std::move(lock)), log_(log) {}

  // A clean end gives the rest of the block back.
  ~FolderWorkloadStore() override {
    if (reserved_until_ == 0) return;  // never opened
    if (const auto written = writeCounter(next_generation_); !written)
      log_.warn("the generation counter could not be written",
                {{"error", written.error().describe()}});
  }

  // Blocking; once, before anything else.
  Result<void> open() {
    removeTemporaryFiles();
    TRY(next_generation_, readCounter());
    return reserveBlock();
  }

  Task<std::vector<StoredWorkload>> load() override {
    return worker_.run<std::vector<StoredWorkload>>(shard_, [this] { return readAll(); });
  }

  Task<Result<void>> save(StoredWorkload workload) override {
    std::string name = workloadFileName(workload.spec->namespace_name, workload.spec->name);
    return worker_.run<Result<void>>(
        shard_, [this, name = std::move(name), content = encodeWorkloadFile(workload)] {
          return replaceFileDurably(folder_, name, content);
        });
  }

  Task<Result<void>> remove(std::string id) override {
    return worker_.run<Result<void>>(
        shard_, [this, name = workloadFileName(id)] { return removeFileDurably(folder_, name); });
  }

  Result<std::uint64_t> nextGeneration() override {
    if (next_generation_ >= reserved_until_) TRY_VOID(reserveBlock());
    return next_generation_++;
  }

  bool durable() const override { return true; }

 private:
  std::string pathOf(std::string_view name) const { return folder_ + "/" + std::string(name); }

  Result<void> writeCounter(std::uint64_t next) {
    return replaceFileDurably(folder_, std::string(kCounterFile), encodeCounterFile(next));
  }

  Result<void> reserveBlock() {
    TRY_VOID(writeCounter(next_generation_ + kGenerationBlock));
    reserved_until_ = next_generation_ + kGenerationBlock;
    return {};
  }

  Result<std::uint64_t> readCounter() {
    const auto content = readFile(pathOf(kCounterFile), kMaxFileBytes);
    if (!content && content.error().code() == ErrorCode::kNotFound)
      return newestStoredGeneration() + 1;
    if (!content) return std::unexpected(content.error());
    const auto counted = decodeCounterFile(*content);
    if (counted) return *counted;
    report(std::string(kCounterFile), counted.error());
    // Lost: what the workloads say is a lower bound; removed ones may have had a little more.
    return newestStoredGeneration() + kGenerationBlock;
  }

  void removeTemporaryFiles() {
    for (const std::string& name : names(kTemporarySuffix))
      if (const auto removed = removeFileDurably(folder_, name); !removed)
        log_.warn("a left-over file could not be deleted", {{"error", removed.error().describe()}});
  }

  // Names of the folder's files with that ending, sorted. The folder was opened before, so an
  // error here is as good as none.
  std::vector<std::string> names(std::string_view suffix) const {
    std::vector<std::string> all;
    std::error_code error;
    for (std::filesystem::directory_iterator it(folder_, error), end; it != end && !error;
         it.increment(error)) {
      std::string name = it->path().filename().string();
      if (name.ends_with(suffix)) all.push_back(std::move(name));
    }
    std::ranges::sort(all);
    return all;
  }

  std::uint64_t newestStoredGeneration() {
    std::uint64_t newest = 0;
    for (const StoredWorkload& workload : readAll()) newest = std::max(newest, workload.generation);
    return newest;
  }

  std::vector<StoredWorkload> readAll() {
    std::vector<StoredWorkload> all;
    for (const std::string& name : names(kWorkloadFileSuffix)) {
      auto workload = readOne(name);
      if (workload)
        all.push_back(*std::move(workload));
      else
        report(name, workload.error());
    }
    return all;
  }

  Result<StoredWorkload> readOne(const std::string& name) const {
    TRY(const std::string content, readFile(pathOf(name), kMaxFileBytes));
    TRY(StoredWorkload workload, decodeWorkloadFile(content));
    if (workloadFileName(workload.spec->namespace_name, workload.spec->name) != name)
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("it describes the workload {}", workload.spec->id()));
    return workload;
  }

  // A damaged file is moved out of the way, for a human to look at; one that could not be read
  // stays where it is.
  void report(const std::string& name, const Error& why) {
    const std::string path = pathOf(name);
    const std::string aside = path + std::string(kCorruptSuffix);
    const bool damaged =
        why.code() == ErrorCode::kInvalidArgument || why.code() == ErrorCode::kResourceExhausted;
    const bool renamed = damaged && ::rename(path.c_str(), aside.c_str()) == 0;
    log_.error("a file of the workload store cannot be used",
               {{"file", path}, {"error", why.describe()}, {"kept_as", renamed ? aside : path}});
  }

  net::Shard& shard_;
  const std::string folder_;
  OpenFile lock_;
  Logger& log_;
  std::uint64_t next_generation_ = 1;
  std::uint64_t reserved_until_ = 0;
  BlockingWorker worker_;  // last: its jobs use the members above
};

Result<OpenFile> lockFolder(const std::string& folder) {
  const std::string path = folder + "/" + std::string(kLockFile);
  OpenFile lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR));
  if (!lock.valid()) return failErrno("cannot open " + path, errno);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno == EWOULDBLOCK)
    return fail(ErrorCode::kAlreadyExists,
                fmt::format("the state folder {} is in use by another host", folder));
  return failErrno("cannot lock " + path, errno);
}

class MemoryWorkloadStore final : public WorkloadStore {
 public:
  Task<std::vector<StoredWorkload>> load() override {
    std::vector<StoredWorkload> all;
    for (const auto& [id, workload] : workloads_) all.push_back(workload);
    co_return all;
  }
  Task<Result<void>> save(StoredWorkload workload) override {
    workloads_.insert_or_assign(workload.spec->id(), workload);
    co_return Result<void>();
  }
  Task<Result<void>> remove(std::string id) override {
    workloads_.erase(id);
    co_return Result<void>();
  }
  Result<std::uint64_t> nextGeneration() override { return next_generation_++; }
  bool durable() const override { return false; }

 private:
  std::map<std::string, StoredWorkload> workloads_;
  std::uint64_t next_generation_ = 1;
};

}  // namespace

Result<std::unique_ptr<WorkloadStore>> openWorkloadStore(net::Shard& shard, std::string folder,
                                                         Logger& log) {
  TRY_VOID(ensurePrivateFolder(folder));
  TRY(OpenFile lock, lockFolder(folder));
  auto store =
      std::make_unique<FolderWorkloadStore>(shard, std::move(folder), std::move(lock), log);
  TRY_VOID(store->open());
  return store;
}

std::unique_ptr<WorkloadStore> makeMemoryWorkloadStore() {
  return std::make_unique<MemoryWorkloadStore>();
}

}  // namespace nimbus::host
