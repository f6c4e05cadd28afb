#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "base/sync.h"
#include "base/task.h"
#include "host/control/events.h"
#include "host/control/folder_reader.h"
#include "host/control/workload_manager.h"
#include "net/blocking_worker.h"
#include "net/shard.h"
#include "net/watch.h"

namespace nimbus::host {

// Why a manifest of the folder, or the folder itself (`file` is empty), cannot be used.
struct FolderProblem {
  std::string file;
  std::string message;
};

// Keeps the workloads of a folder of manifests running: one workload per file, applied when the
// file is new or was written, removed when it is gone; one whose routes another one is to have is
// removed when that serves. A file that cannot be used leaves its workload as it is; so does a
// folder that vanishes. Files that are links are followed wherever these lead. Lives on the control
// shard; everything it is given lives longer.
class FolderSource {
 public:
  struct Environment {
    net::Shard& shard;
    WorkloadManager& manager;
    EventLog& events;
    Logger& log;
  };
  // `retry_pause`: until the folder is looked at again after something of it could not be had; it
  // doubles each time, up to five minutes. What links lead to is looked at whenever it has passed.
  FolderSource(Environment environment, std::string folder,
               Duration debounce = std::chrono::milliseconds(100),
               Duration retry_pause = std::chrono::seconds(5));
  FolderSource(const FolderSource&) = delete;
  FolderSource& operator=(const FolderSource&) = delete;
  ~FolderSource();

  // Applies what is there, waits until each workload serves or has failed, and follows the folder
  // from then on. An error means that the folder cannot be watched or read.
  [[nodiscard]] Task<Result<void>> start();

  [[nodiscard]] std::vector<FolderProblem> problems() const;

 private:
  struct File {
    std::shared_ptr<const ManifestFile> applied;  // what was last given to the manager
    std::string id;                             // of the workload this file describes; may be empty
    std::shared_ptr<const WorkloadSpec> wants;  // what it said last that could be understood
    std::string problem;
    bool waits = false;      // for what other workloads have: a route, a name, their room
    bool transient = false;  // the problem may go away with time
    bool stuck = false;      // will, and nobody else tries again
  };
  using Holders = std::map<std::string, std::string>;  // workload id -> file name

  Task<void> follow();
  Task<void> lookAtLinks();
  Task<Result<FolderListing>> read();
  // Brings the manager to what the listing says; `applies` gets the tasks that wait for outcomes.
  struct Wake {
    bool folder_changed = false;
    bool retry_due = false;
  };
  Task<void> take(FolderListing listing, TaskSet& applies, Wake wake);
  Holders assign(const FolderListing& listing);
  void reportUnusable(const std::string& name, const ManifestFile& file, const Holders& holders);
  // Workloads without a file, but with one before.
  [[nodiscard]] std::vector<std::string> absentIn(const Holders& holders) const;
  void forgetFiles(const FolderListing& listing);
  Task<std::vector<std::string>> removeUnwanted(const std::vector<std::string>& absent,
                                                const FolderListing& listing, TaskSet& applies);
  Task<void> removeWorkload(std::string id, WorkloadManager::ExchangePointer exchange);
  Task<void> applyFile(std::string name, std::shared_ptr<const ManifestFile> file,
                       WorkloadManager::ExchangePointer exchange);
  [[nodiscard]] bool servesOfFolder(const std::string& id) const;
  [[nodiscard]] bool waitsForOthers(const std::string& id, ErrorCode refusal) const;
  [[nodiscard]] bool managerTriesAgain(const std::string& id) const;
  void setStuck(File& file, bool stuck);
  void settle(const std::string& name, const std::string& id, const Error& error);
  void setProblem(const std::string& name, const std::string& workload, std::string message);
  void clearProblem(const std::string& name);
  void setFolderProblem(std::string message);

  Environment environment_;
  const std::string folder_;
  const Duration debounce_;
  FolderReader reader_;  // the worker's while a job runs; hasLinks() is asked between reads
  std::map<std::string, File> files_;
  Holders holders_;
  std::set<std::string> leaving_;  // ids of absent workloads that are not gone yet
  std::string folder_problem_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  Event wake_;
  bool folder_changed_ = false;
  const Duration retry_pause_;
  Duration next_pause_;  // doubles while nothing changes
  bool retry_due_ = false;
  net::Timer retry_;
  bool has_links_ = false;
  net::Timer look_at_links_;
  std::unique_ptr<net::FolderWatch> watch_;
  net::BlockingWorker worker_;
  TaskSet applies_;
  TaskSet tasks_;
};

}  // namespace nimbus::host
