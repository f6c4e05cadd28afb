#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "host/control/manager_parts.h"
#include "host/test_support.h"

// For the tests of this folder only.
namespace nimbus::host {

// Starts an operation and keeps its result for later.
template <typename T>
struct Pending {
  explicit Pending(Task<T> task) { tasks.spawn(keep(*this, std::move(task))); }
  static Task<void> keep(Pending& self, Task<T> task) { self.value = co_await std::move(task); }
  std::optional<T> value;
  TaskSet tasks;
};
using PendingApply = Pending<Result<WorkloadStatus>>;

// A manager with everything around it, on one shard.
struct ManagerRig : ManagerParts {
  explicit ManagerRig(net::Shard& on, ManagerOptions options = {}) : ManagerParts(on, "e") {
    make(options);
    readiness.markReady();
  }
  void make(ManagerOptions options) {
    manager = std::make_unique<WorkloadManager>(environment(runtime), options);
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

  FakeRuntime runtime;
  std::unique_ptr<WorkloadManager> manager;
};

// The next event of that kind.
inline Task<HostEvent> eventOf(ManagerRig* rig, EventKind kind, std::uint64_t after = 0) {
  while (true) {
    const EventLog::Item item = co_await rig->events.next(after);
    const auto* event = std::get_if<HostEvent>(&item);
    if (event == nullptr) continue;  // a heartbeat
    if (event->kind == kind) co_return *event;
    after = event->sequence;
  }
}

}  // namespace nimbus::host
