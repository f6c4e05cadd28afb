#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "host/events.h"
#include "host/readiness.h"
#include "host/test_support.h"
#include "host/workload_manager.h"
#include "host/workload_store.h"

// For the tests of this folder only.
namespace nimbus::host {

// A manager with everything around it, on one shard.
struct ManagerRig {
  explicit ManagerRig(net::Shard& shard, ManagerOptions options = {}) : shard(shard) {
    make(options);
    readiness.markReady();
  }
  void make(ManagerOptions options) {
    manager = std::make_unique<WorkloadManager>(
        ManagerEnvironment{shard, runtime, *store, events, readiness, *log, metrics, clock},
        options);
  }
  static std::shared_ptr<const WorkloadSpec> share(WorkloadSpec spec) {
    return std::make_shared<const WorkloadSpec>(std::move(spec));
  }
  Task<Result<WorkloadStatus>> apply(
      WorkloadSpec spec, WorkloadManager::Wait wait = WorkloadManager::Wait::kForOutcome) {
    return manager->apply(share(std::move(spec)), {.source = "", .wait = wait});
  }
  Task<Result<WorkloadStatus>> applyFromFolder(WorkloadSpec spec, std::string file) {
    return manager->apply(share(std::move(spec)),
                          {.owner = WorkloadOwner::kFolder, .source = std::move(file)});
  }
  std::vector<std::string> takeCalls() { return std::exchange(runtime.calls, {}); }

  net::Shard& shard;
  FakeRuntime runtime;
  std::unique_ptr<WorkloadStore> store = makeMemoryWorkloadStore();
  FakeClock clock;
  EventLog events{shard, clock, "e"};
  Readiness readiness;
  std::unique_ptr<Logger> log = makeNullLogger();
  MetricRegistry metrics;
  std::unique_ptr<WorkloadManager> manager;
};

}  // namespace nimbus::host
