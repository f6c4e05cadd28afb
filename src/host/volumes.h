#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "host/manifest.h"
#include "net/blocking_worker.h"

namespace nimbus::host {

// The volumes of one workload as folders on this host. Ephemeral ones are made here, stay over all
// generations of the workload, and are deleted with the last: by `remover`, for there may be a
// million files in them. Each object has a folder of its own, so that one which is being deleted is
// not taken for that of a workload which has come back. The remover may be null if none is
// ephemeral.
class WorkloadVolumes {
 public:
  // Host paths must be existing folders: kNotFound otherwise.
  [[nodiscard]] static Result<std::shared_ptr<WorkloadVolumes>> open(
      const WorkloadSpec& spec, const std::string& root,
      std::shared_ptr<net::BlockingWorker> remover);
  ~WorkloadVolumes();
  WorkloadVolumes(const WorkloadVolumes&) = delete;
  WorkloadVolumes& operator=(const WorkloadVolumes&) = delete;

  // Makes what a newer generation needs in addition.
  [[nodiscard]] Result<void> add(const WorkloadSpec& spec);

  // The folder behind a volume of that spec.
  [[nodiscard]] std::string pathOf(const VolumeSpec& volume) const;

 private:
  WorkloadVolumes(std::string folder, std::shared_ptr<net::BlockingWorker> remover)
      : folder_(std::move(folder)), remover_(std::move(remover)) {}
  const std::string folder_;  // of the ephemeral ones
  const std::shared_ptr<net::BlockingWorker> remover_;
  bool made_ = false;
};

}  // namespace nimbus::host
