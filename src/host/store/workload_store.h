#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "base/task.h"
#include "host/manifest/manifest.h"
#include "net/shard.h"

namespace nimbus::host {

struct StoredWorkload {
  std::shared_ptr<const WorkloadSpec> spec;
  std::uint64_t generation = 0;
  // Why what was saved is no valid manifest any more: an earlier version of the host took it. Then
  // `spec` has the workload's names only. Empty: it is valid.
  std::string problem = {};
};

// Remembers across restarts which workloads were applied over the administration API, and gives
// out generation numbers, which only ever grow. Lives on the control shard.
class WorkloadStore {
 public:
  virtual ~WorkloadStore() = default;

  // Everything that was saved and not removed, ordered by id.
  [[nodiscard]] virtual Task<std::vector<StoredWorkload>> load() = 0;

  // Complete once the workload, which has no problem, would survive a crash. Operations run in the
  // order they are begun.
  [[nodiscard]] virtual Task<Result<void>> save(StoredWorkload workload) = 0;
  [[nodiscard]] virtual Task<Result<void>> remove(std::string id) = 0;

  // Larger than any generation given out before, also by earlier runs of the host.
  [[nodiscard]] virtual Result<std::uint64_t> nextGeneration() = 0;

  // Whether anything survives a restart.
  [[nodiscard]] virtual bool durable() const = 0;
};

// Keeps the workloads in a journal in `folder` (docs/formats/workload-store.md), which nobody else
// may look into and which one host uses at a time: kAlreadyExists if another one does. Damage is
// set aside and reported to the log, never fatal. Blocks while it opens; later file work happens on
// a thread of its own, changes that come meanwhile together.
[[nodiscard]] Result<std::unique_ptr<WorkloadStore>> openWorkloadStore(net::Shard& shard,
                                                                       std::string folder,
                                                                       Logger& log);

// Forgets everything with the process.
[[nodiscard]] std::unique_ptr<WorkloadStore> makeMemoryWorkloadStore();

}  // namespace nimbus::host
