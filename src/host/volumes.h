#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "host/manifest.h"

namespace nimbus::host {

// The volumes of one workload as folders on this host. Ephemeral ones are made here, stay over all
// generations of the workload, and are deleted with the last.
class WorkloadVolumes {
 public:
  // Host paths must be existing folders: kNotFound otherwise.
  [[nodiscard]] static Result<std::shared_ptr<WorkloadVolumes>> open(const WorkloadSpec& spec,
                                                                     const std::string& root);
  ~WorkloadVolumes();
  WorkloadVolumes(const WorkloadVolumes&) = delete;
  WorkloadVolumes& operator=(const WorkloadVolumes&) = delete;

  // Makes what a newer generation needs in addition.
  [[nodiscard]] Result<void> add(const WorkloadSpec& spec);

  // The folder behind a volume of that spec.
  [[nodiscard]] std::string pathOf(const VolumeSpec& volume) const;

 private:
  explicit WorkloadVolumes(std::string folder) : folder_(std::move(folder)) {}
  std::string folder_;  // of the ephemeral ones
  bool made_ = false;
};

}  // namespace nimbus::host
