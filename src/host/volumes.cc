#include "host/volumes.h"

#include <filesystem>
#include <system_error>

namespace nimbus::host {

namespace fs = std::filesystem;

Result<std::shared_ptr<WorkloadVolumes>> WorkloadVolumes::open(const WorkloadSpec& spec,
                                                               const std::string& root) {
  // Names are DNS labels: they can neither leave the folder nor collide.
  std::shared_ptr<WorkloadVolumes> volumes(
      new WorkloadVolumes(root + "/" + spec.namespace_name + "." + spec.name));
  TRY_VOID(volumes->add(spec));
  return volumes;
}

WorkloadVolumes::~WorkloadVolumes() {
  if (!made_) return;
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

std::string WorkloadVolumes::pathOf(const VolumeSpec& volume) const {
  return volume.host_path.empty() ? folder_ + "/" + volume.name : volume.host_path;
}

Result<void> WorkloadVolumes::add(const WorkloadSpec& spec) {
  for (const VolumeSpec& volume : spec.volumes) {
    std::error_code error;
    const std::string path = pathOf(volume);
    if (!volume.host_path.empty()) {
      if (!fs::is_directory(path, error)) {
        return fail(ErrorCode::kNotFound,
                    "volume \"" + volume.name + "\": " + path + " is not an existing folder");
      }
      continue;
    }
    made_ = true;
    fs::create_directories(path, error);
    if (error) return failErrno("volume \"" + volume.name + "\": " + path, error.value());
    fs::permissions(folder_, fs::perms::owner_all, error);
  }
  return {};
}

}  // namespace nimbus::host
