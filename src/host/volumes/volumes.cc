#include "host/volumes/volumes.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <system_error>
#include <utility>

namespace nimbus::host {

namespace fs = std::filesystem;

Result<std::shared_ptr<WorkloadVolumes>> WorkloadVolumes::open(const WorkloadSpec& spec,
                                                               std::shared_ptr<VolumeRoot> root) {
  static std::atomic<std::uint64_t> opened{0};
  // Names are DNS labels: they can neither leave the folder nor collide.
  std::shared_ptr<WorkloadVolumes> volumes(
      new WorkloadVolumes(spec.id(),
                          fmt::format("{}.{}.{}", spec.namespace_name, spec.name,
                                      opened.fetch_add(1, std::memory_order_relaxed)),
                          std::move(root)));
  TRY_VOID(volumes->add(spec));
  return volumes;
}

WorkloadVolumes::~WorkloadVolumes() {
  if (!folder_.empty()) root_->remove(folder_);
}

Result<void> WorkloadVolumes::makeFolder() {
  if (!folder_.empty()) return {};
  TRY(const std::string root, root_->folder());
  const std::string folder = root + "/" + name_;
  // What a process that was killed has left there is not this workload's.
  if (::unlink(folder.c_str()) != 0 && errno == EISDIR) TRY_VOID(root_->moveAway(folder));
  if (::mkdir(folder.c_str(), S_IRWXU) != 0) return failErrno("cannot make " + folder, errno);
  folder_ = folder;
  return {};
}

std::string WorkloadVolumes::pathOf(const VolumeSpec& volume) const {
  return volume.host_path.empty() ? folder_ + "/" + volume.name : volume.host_path;
}

Result<void> WorkloadVolumes::add(const WorkloadSpec& spec) {
  for (const VolumeSpec& volume : spec.volumes) {
    std::error_code error;
    if (!volume.host_path.empty()) {
      if (!fs::is_directory(volume.host_path, error)) {
        return fail(ErrorCode::kNotFound, "volume \"" + volume.name + "\": " + volume.host_path +
                                              " is not an existing folder");
      }
      continue;
    }
    TRY_VOID(makeFolder());
    TRY_VOID(makeVolume(volume.name));
  }
  return {};
}

Result<void> WorkloadVolumes::makeVolume(const std::string& name) {
  const std::string path = folder_ + "/" + name;
  std::error_code error;
  fs::create_directory(path, error);
  if (error) return failErrno("volume \"" + name + "\": " + path, error.value());
  ephemeral_.insert(name);
  return {};
}

void WorkloadVolumes::limit(const WorkloadSpec& spec, std::uint64_t default_bytes) {
  std::vector<VolumeLimit> limits;
  for (const VolumeSpec& volume : spec.volumes)
    if (volume.host_path.empty())
      limits.push_back(
          {volume.name, pathOf(volume), volume.size_limit_bytes.value_or(default_bytes)});
  limits_ = std::make_shared<const std::vector<VolumeLimit>>(std::move(limits));
}

// What still writes there for a moment has a folder that nobody else sees.
Result<void> WorkloadVolumes::clear() {
  if (folder_.empty()) return {};
  TRY_VOID(root_->moveAway(folder_));
  folder_.clear();
  TRY_VOID(makeFolder());
  for (const std::string& name : ephemeral_) TRY_VOID(makeVolume(name));
  return {};
}

}  // namespace nimbus::host
