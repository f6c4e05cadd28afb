#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "host/manifest.h"
#include "host/volume_root.h"

namespace nimbus::host {

// The volumes of one workload as folders on this host. Ephemeral ones are made here, stay over all
// generations of the workload, and are deleted with the last. Each object has a folder of its own,
// so that one which is being deleted is not taken for that of a workload which has come back.
class WorkloadVolumes {
 public:
  // Host paths must be existing folders: kNotFound otherwise.
  [[nodiscard]] static Result<std::shared_ptr<WorkloadVolumes>> open(
      const WorkloadSpec& spec, std::shared_ptr<VolumeRoot> root);
  ~WorkloadVolumes();
  WorkloadVolumes(const WorkloadVolumes&) = delete;
  WorkloadVolumes& operator=(const WorkloadVolumes&) = delete;

  // Makes what a newer generation needs in addition.
  [[nodiscard]] Result<void> add(const WorkloadSpec& spec);

  // The folder behind a volume of that spec.
  [[nodiscard]] std::string pathOf(const VolumeSpec& volume) const;

 private:
  WorkloadVolumes(std::string name, std::shared_ptr<VolumeRoot> root)
      : name_(std::move(name)), root_(std::move(root)) {}
  [[nodiscard]] Result<void> makeFolder();

  const std::string name_;  // of the folder with the ephemeral ones
  const std::shared_ptr<VolumeRoot> root_;
  std::string folder_;  // empty until the first of them is made
};

}  // namespace nimbus::host
