#pragma once

#include <memory>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "host/control/events.h"
#include "host/control/readiness.h"
#include "host/control/workload_manager.h"
#include "host/store/workload_store.h"
#include "net/shard.h"

// For the tests and fuzz targets of this folder only.
namespace nimbus::host {

// What a WorkloadManager has around it, but for the runtime; goes after both.
struct ManagerParts {
  ManagerParts(net::Shard& on, std::string epoch,
               std::unique_ptr<WorkloadStore> kept_in = makeMemoryWorkloadStore())
      : shard(on), store(std::move(kept_in)), events(on, clock, std::move(epoch)) {}

  ManagerEnvironment environment(WorkloadRuntime& runtime) {
    return {shard, runtime, *store, events, readiness, *log, metrics, clock};
  }

  net::Shard& shard;
  std::unique_ptr<WorkloadStore> store;
  FakeClock clock;
  EventLog events;
  Readiness readiness;
  std::unique_ptr<Logger> log = makeNullLogger();
  MetricRegistry metrics;
};

}  // namespace nimbus::host
