#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
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
  friend bool operator==(const VolumeLimit&, const VolumeLimit&) = default;
};

class VolumeUse;

// The volumes of one workload as folders on this host. Ephemeral ones are made here, stay over all
// generations of the workload that name them, and are deleted with the last of these. Each object
// has a folder of its own, so that one which is being deleted is not taken for that of a workload
// which has come back. It lives as long as its uses. Any thread.
class WorkloadVolumes : public std::enable_shared_from_this<WorkloadVolumes> {
 public:
  // Those of a workload that has none yet, for its first deployment. Host paths must be existing
  // folders: kNotFound otherwise.
  [[nodiscard]] static Result<std::unique_ptr<VolumeUse>> open(const WorkloadSpec& spec,
                                                               std::shared_ptr<VolumeRoot> root);
  // For another deployment: makes what it needs in addition.
  [[nodiscard]] Result<std::unique_ptr<VolumeUse>> use(const WorkloadSpec& spec);
  ~WorkloadVolumes();
  WorkloadVolumes(const WorkloadVolumes&) = delete;
  WorkloadVolumes& operator=(const WorkloadVolumes&) = delete;

  [[nodiscard]] const std::string& workload() const { return workload_; }
  // Of each ephemeral volume that has one: that of the deployment which was the last to set it.
  [[nodiscard]] std::shared_ptr<const std::vector<VolumeLimit>> limits() const;
  // Of the ephemeral ones.
  [[nodiscard]] std::vector<std::string> names() const;
  // Deletes what that ephemeral one holds. Nobody may be using it.
  [[nodiscard]] Result<void> clear(const std::string& name);

  // The folder behind a volume of a spec that uses them.
  [[nodiscard]] std::string pathOf(const VolumeSpec& volume) const;

 private:
  friend class VolumeUse;

  WorkloadVolumes(std::string workload, std::string name, std::shared_ptr<VolumeRoot> root)
      : workload_(std::move(workload)), name_(std::move(name)), root_(std::move(root)) {}

  // The mutex is locked for these.
  [[nodiscard]] Result<void> makeFolder();
  [[nodiscard]] Result<void> makeVolume(const std::string& name);
  [[nodiscard]] std::string folderOf(std::string_view name) const;
  [[nodiscard]] bool isUsed(std::string_view name) const;
  void collectLimits();

  void setLimits(VolumeUse& use, std::uint64_t default_bytes);
  void end(const VolumeUse& use);

  const std::string workload_;  // its id
  const std::string name_;      // of the folder with the ephemeral ones
  const std::shared_ptr<VolumeRoot> root_;
  mutable std::mutex mutex_;
  std::string folder_;            // empty until the first of them is made
  std::vector<VolumeUse*> uses_;  // the last to set limits is the last
  std::shared_ptr<const std::vector<VolumeLimit>> limits_ =
      std::make_shared<const std::vector<VolumeLimit>>();
};

// What one deployment uses of its workload's volumes. Ephemeral ones that no other deployment names
// are deleted with it. Any thread may be the one that destroys it.
class VolumeUse {
 public:
  VolumeUse(const VolumeUse&) = delete;
  VolumeUse& operator=(const VolumeUse&) = delete;
  ~VolumeUse() { all_->end(*this); }

  [[nodiscard]] const std::shared_ptr<WorkloadVolumes>& all() const { return all_; }
  // Whether it uses that ephemeral volume.
  [[nodiscard]] bool names(std::string_view volume) const;
  [[nodiscard]] bool namesAny() const { return !ephemeral_.empty(); }
  // The deployment takes effect: from now on its ephemeral volumes may hold what its spec says, or
  // else `default_bytes`, whatever older deployments say.
  void limit(std::uint64_t default_bytes) { all_->setLimits(*this, default_bytes); }

 private:
  friend class WorkloadVolumes;
  struct Ephemeral {
    std::string name;
    std::optional<std::uint64_t> limit_bytes;
  };

  explicit VolumeUse(std::shared_ptr<WorkloadVolumes> all) : all_(std::move(all)) {}

  const std::shared_ptr<WorkloadVolumes> all_;
  std::vector<Ephemeral> ephemeral_;            // does not change once use() has returned
  std::optional<std::uint64_t> default_bytes_;  // none: it sets no limits yet
};

}  // namespace nimbus::host
