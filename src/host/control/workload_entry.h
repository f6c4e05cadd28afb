#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/sync.h"
#include "host/control/component_stamps.h"
#include "host/control/route_claims.h"
#include "host/control/workload_manager.h"
#include "net/shard.h"

// What the manager knows of one workload; internal to workload_manager*.cc.
namespace nimbus::host {

struct WorkloadManager::Exchange {
  RouteClaims::Partners members;  // ids of the workloads
  std::size_t leaving = 0;        // those of them that are to be removed
  struct Ready {
    EntryPointer entry;
    std::shared_ptr<Deployment> next;
  };
  std::vector<Ready> ready;  // those that wait for the others
  bool begun = false;        // all were ready
  bool off = false;
  Event over;

  void callOff() {
    if (begun || off) return;
    off = true;
    ready.clear();
    over.set();
  }
};

// One requested change and, later, its outcome. Shared by the manager and by everybody who waits.
struct WorkloadManager::Operation {
  std::shared_ptr<const WorkloadSpec> spec;  // null: remove the workload
  std::vector<FileStamp> stamps;             // of the component files when it was requested
  std::uint64_t generation = 0;
  ExchangePointer exchange;  // that it is part of; null: none
  bool save = false;         // in the store
  bool restores = false;     // what the store remembers
  std::string problem;       // why that cannot be; empty: it can
  // How often it failed before for what could not be had then, and whether that happened again in
  // a way that may pass.
  std::uint32_t earlier_failures = 0;
  bool may_retry = false;
  TaskSet* preparing = nullptr;  // its preparation, which cancelAll() gives up; null: not now
  bool gave_way = false;         // to a newer change, before it was prepared
  std::optional<Result<void>> outcome;
  Event done;

  [[nodiscard]] bool asksFor(const WorkloadSpec& other,
                             const std::vector<FileStamp>& other_stamps) const {
    return spec != nullptr && stamps == other_stamps && *spec == other;
  }
  [[nodiscard]] bool succeeded() const { return outcome && outcome->has_value(); }
  void finish(Result<void> result) {
    outcome = std::move(result);
    // Whoever waits for it there would wait for ever, if that has not begun.
    if (exchange != nullptr) exchange->callOff();
    done.set();
  }
};

struct WorkloadManager::Entry {
  Entry(std::string entry_id, WorkloadOwner entry_owner, std::string entry_source)
      : id(std::move(entry_id)), owner(entry_owner), source(std::move(entry_source)) {}

  const std::string id;
  const WorkloadOwner owner;
  std::string source;
  std::shared_ptr<const WorkloadSpec> spec;
  WorkloadState state = WorkloadState::kStarting;
  std::uint64_t generation = 0;
  std::uint64_t observed_generation = 0;
  std::string reason;
  std::string source_problem;
  // Why the data plane has ended that generation; 0: none.
  std::uint64_t ended_generation = 0;
  std::string ended_because;
  std::chrono::system_clock::time_point changed_at;

  std::shared_ptr<Deployment> serving;
  std::shared_ptr<Deployment> incoming;  // while its routes are being set
  OperationPointer running;
  OperationPointer queued;
  OperationPointer last_applied;  // the newest apply that ran, whatever came of it

  // Why the service that serves has failed for good; nullopt: it has not.
  [[nodiscard]] std::optional<std::string> serviceProblem() const;

  // The operation that nothing supersedes; null: none is under way.
  [[nodiscard]] const OperationPointer& newest() const { return queued ? queued : running; }

  [[nodiscard]] bool ended() const {
    return serving != nullptr && ended_generation == serving->generation();
  }

  // Set while the newest generation waits to be tried again; any newer change takes it back.
  std::optional<std::chrono::system_clock::time_point> retry_at;
  std::unique_ptr<net::Timer> retry;
};

}  // namespace nimbus::host
