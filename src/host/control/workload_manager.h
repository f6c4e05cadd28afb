#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/result.h"
#include "base/sync.h"
#include "base/task.h"
#include "host/control/events.h"
#include "host/control/readiness.h"
#include "host/control/route_claims.h"
#include "host/store/workload_store.h"
#include "host/workload/runtime.h"
#include "host/workload/workload_status.h"
#include "net/shard.h"

namespace nimbus::host {

// Everything the manager uses; all of it lives longer than the manager.
struct ManagerEnvironment {
  net::Shard& shard;
  WorkloadRuntime& runtime;
  WorkloadStore& store;
  EventLog& events;
  Readiness& readiness;
  Logger& log;
  MetricRegistry& metrics;
  const Clock& clock;
};

struct ManagerOptions {
  std::size_t max_workloads = 100'000;               // beyond it only what is stored is restored
  Duration retire_bound = std::chrono::seconds(30);  // for what runs on a replaced generation
  // What cannot be had (images, files, servers of providers) is asked for again after it; it
  // doubles each time.
  Duration first_retry = std::chrono::seconds(10);
  Duration longest_retry = std::chrono::minutes(5);
};

// Decides which workloads a host runs and brings the data plane there, one generation after the
// other: prepare, make durable, swap routes, retire the old one. Operations on one workload run one
// at a time; a newer one supersedes one that is queued or still being prepared. The generation that
// serves goes on serving until a newer one can. One whose images, files or servers are not to be
// had failed for who waits, and is tried until it serves or a newer change comes. Lives on the
// control shard and is called only there.
class WorkloadManager {
 public:
  WorkloadManager(ManagerEnvironment environment, ManagerOptions options);
  WorkloadManager(const WorkloadManager&) = delete;
  WorkloadManager& operator=(const WorkloadManager&) = delete;
  ~WorkloadManager();  // cancels what runs; stopAll() is the orderly end

  // Workloads that take routes over from each other, or from some that are to be removed. Their
  // next generations take effect together, with the removals; if one of them cannot, each for
  // itself, as far as its routes are free then, and nothing is removed.
  struct Exchange;
  using ExchangePointer = std::shared_ptr<Exchange>;
  struct ExchangePlan {
    std::vector<ExchangePointer> applies;   // which exchange each belongs to; null: none
    std::vector<ExchangePointer> removals;  // likewise
  };
  // The other workloads that have claimed what these are to have.
  using Specs = std::vector<std::shared_ptr<const WorkloadSpec>>;
  [[nodiscard]] RouteClaims::Partners holdersOf(const Specs& next) const;
  // Of what this owner is about to do one after the other, without a pause: specs that it applies,
  // workloads (ids) that it removes. One that replaces a member of an exchange under way, and needs
  // what others of that give up, makes a new exchange with them.
  [[nodiscard]] ExchangePlan planExchanges(const Specs& next,
                                           const std::vector<std::string>& removed,
                                           WorkloadOwner owner);

  enum class Wait { kForOutcome, kNo };
  struct ApplyOptions {
    WorkloadOwner owner = WorkloadOwner::kApi;
    std::string source;  // for a folder: the manifest's file name
    ExchangePointer exchange = nullptr;
    Wait wait = Wait::kForOutcome;
  };
  // Makes the workload be as `spec` says. Complete when the generation serves or has failed, or at
  // once without waiting; then only a refusal is an error. Applying what serves already, with
  // component files unchanged on disk, does nothing. Errors: kUnsupported, kAlreadyExists (another
  // owner or another workload's route), kUnavailable (restoring or draining), kResourceExhausted,
  // kCancelled (superseded before it was prepared), and those of WorkloadRuntime::prepare().
  [[nodiscard]] Task<Result<WorkloadStatus>> apply(std::shared_ptr<const WorkloadSpec> spec,
                                                   ApplyOptions options);

  // Complete when nothing is routed to the workload any more. kNotFound, kAlreadyExists (another
  // owner), kUnavailable, kCancelled, kIo (it could not be forgotten durably; it goes on serving).
  // As part of an exchange also kCancelled if that did not come about: it goes on serving.
  [[nodiscard]] Task<Result<void>> remove(std::string id, WorkloadOwner owner,
                                          ExchangePointer exchange = nullptr);

  // It is not to be removed after all: a removal under way is given up (kCancelled), unless its
  // routes are on their way already.
  void keep(const std::string& id, WorkloadOwner owner);
  // Whether an apply of it is under way.
  [[nodiscard]] bool isApplying(const std::string& id) const;

  // Tells in the workload's status that its manifest cannot be used at present; "" takes it back.
  void setSourceProblem(const std::string& id, std::string problem);

  [[nodiscard]] Result<WorkloadStatus> get(const std::string& id) const;  // with components
  // At most `most` workloads after that id in their order, without components.
  [[nodiscard]] std::vector<WorkloadStatus> list(std::string_view after, std::size_t most) const;
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

  struct Counts {
    std::size_t starting = 0;
    std::size_t running = 0;
    std::size_t stopping = 0;
    std::size_t error = 0;
  };
  [[nodiscard]] Counts counts() const { return counts_; }

  // Starts everything the store remembers and waits until each serves or has failed. Before the
  // host is ready.
  [[nodiscard]] Task<void> restoreAll();

  // From now on the API's changes are taken too.
  void markReady();
  // No changes any more; what serves goes on serving.
  void startDrain();
  [[nodiscard]] bool isDraining() const;
  // Cancels what is being prepared, takes all routes away and retires everything, for at most
  // `bound`, and waits no longer for what was retired before. The workloads stay in the store.
  [[nodiscard]] Task<void> stopAll(Duration bound);

  // Called whenever a route or a workload's name was given up: somebody may be waiting for it.
  void onReleased(std::function<void()> released) { released_ = std::move(released); }
  // Called with the id of a workload that had failed and then serves without a new apply.
  void onRecovered(std::function<void(const std::string&)> recovered) {
    recovered_ = std::move(recovered);
  }

 private:
  struct Operation;
  struct Entry;
  using EntryPointer = std::shared_ptr<Entry>;
  using OperationPointer = std::shared_ptr<Operation>;
  using Entries = std::map<std::string, EntryPointer, std::less<>>;

  enum class Origin { kRequest, kStore };
  // `stored`: what the store remembers of it, for a restore; null: somebody wants it.
  Result<OperationPointer> submitApply(std::shared_ptr<const WorkloadSpec> spec,
                                       ApplyOptions options,
                                       const StoredWorkload* stored = nullptr);
  Result<OperationPointer> submitRemove(const std::string& id, WorkloadOwner owner,
                                        const ExchangePointer& exchange);
  Result<void> checkPhase(WorkloadOwner owner, Origin origin) const;
  Result<void> checkOwner(const Entry& entry, WorkloadOwner owner) const;
  Result<void> checkAdmissible(const WorkloadSpec& spec, const Exchange* exchange) const;
  static void joinExchange(const Entry& entry, Operation& operation,
                           const ExchangePointer& exchange);
  OperationPointer sameAsNewest(const Entry& entry, const WorkloadSpec& spec,
                                const std::vector<FileStamp>& stamps) const;
  void enqueue(const EntryPointer& entry, OperationPointer operation);
  static Result<void> superseded(const Entry& entry);
  static void giveWay(OperationPointer running);
  [[nodiscard]] Specs removalsOf(const std::vector<std::string>& ids, WorkloadOwner owner) const;
  std::vector<EntryPointer> partnersOf(const Specs& next,
                                       const std::vector<std::string>& removed) const;

  Task<void> work(EntryPointer entry);
  Task<Result<void>> runApply(EntryPointer entry, OperationPointer operation);
  using Prepared = Result<std::shared_ptr<Deployment>>;
  Task<std::optional<Prepared>> prepareOrGiveWay(OperationPointer operation);
  Task<void> prepare(OperationPointer operation, std::optional<Prepared>* prepared);
  Task<Result<void>> activate(EntryPointer entry, OperationPointer operation,
                              std::shared_ptr<Deployment> next);
  Task<bool> exchangeRoutes(EntryPointer entry, OperationPointer operation,
                            std::shared_ptr<Deployment> next);
  Task<bool> takePart(EntryPointer entry, ExchangePointer exchange,
                      std::shared_ptr<Deployment> next);
  Task<Result<void>> runRemove(EntryPointer entry, OperationPointer operation);
  void settleApply(const EntryPointer& entry, const Operation& operation,
                   const Result<void>& outcome);
  void settleFailure(Entry& entry, const Operation& operation, const Error& error);
  void settleRemove(Entry& entry, const Result<void>& outcome);
  static std::string settleSuperseded(Entry& entry);
  void releaseRoutes(const WorkloadSpec& spec);
  void planRetry(const EntryPointer& entry, OperationPointer failed);
  void retry(const EntryPointer& entry, const Operation& failed);

  void hearOfService(const ServiceNews& news);
  void hearOfEnd(const EndedNews& news);
  [[nodiscard]] static WorkloadState stateOfServing(const Entry& entry);

  void setState(Entry& entry, WorkloadState state);
  std::size_t& countOf(WorkloadState state);
  void publishCounts();
  WorkloadStatus statusOf(const Entry& entry) const;

  ManagerEnvironment environment_;
  ManagerOptions options_;
  Entries entries_;
  Counts counts_;
  RouteClaims claims_;
  std::function<void()> released_;
  std::function<void(const std::string&)> recovered_;
  std::shared_ptr<Gauge> gauges_[4];
  std::shared_ptr<Counter> applied_;
  std::shared_ptr<Counter> failed_;
  std::shared_ptr<Counter> refused_;
  std::shared_ptr<Histogram> prepare_seconds_;
  TaskSet retiring_;
  TaskSet tasks_;  // last: its tasks use the members above
};

}  // namespace nimbus::host
