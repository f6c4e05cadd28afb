#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "host/manifest/manifest.h"
#include "host/volumes/volume_root.h"

namespace nimbus::host {

// What an ephemeral volume may hold.
struct VolumeLimit {
  std::string name;
  std::string path;
  std::uint64_t bytes = 0;
};

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

  [[nodiscard]] const std::string& workload() const { return workload_; }

  // Makes what a newer generation needs in addition.
  [[nodiscard]] Result<void> add(const WorkloadSpec& spec);

  // What the ephemeral ones may hold from now on, as that spec says or else `default_bytes`.
  void limit(const WorkloadSpec& spec, std::uint64_t default_bytes);
  [[nodiscard]] std::shared_ptr<const std::vector<VolumeLimit>> limits() const { return limits_; }
  // Deletes what the ephemeral ones hold. Nobody may be using them.
  [[nodiscard]] Result<void> clear();

  // The folder behind a volume of that spec.
  [[nodiscard]] std::string pathOf(const VolumeSpec& volume) const;

 private:
  WorkloadVolumes(std::string workload, std::string name, std::shared_ptr<VolumeRoot> root)
      : workload_(std::move(workload)), name_(std::move(name)), root_(std::move(root)) {}
  [[nodiscard]] Result<void> makeFolder();
  [[nodiscard]] Result<void> makeVolume(const std::string& name);

  const std::string workload_;  // its id
  const std::string name_;      // of the folder with the ephemeral ones
  const std::shared_ptr<VolumeRoot> root_;
  std::string folder_;  // empty until the first of them is made
  std::set<std::string> ephemeral_;
  std::shared_ptr<const std::vector<VolumeLimit>> limits_ =
      std::make_shared<const std::vector<VolumeLimit>>();
};

}  // namespace nimbus::host
