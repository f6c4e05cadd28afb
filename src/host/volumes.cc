#include "host/volumes.h"

#include <fmt/format.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <system_error>
#include <utility>

namespace nimbus::host {

namespace fs = std::filesystem;

Result<std::shared_ptr<WorkloadVolumes>> WorkloadVolumes::open(
    const WorkloadSpec& spec, const std::string& root,
    std::shared_ptr<net::BlockingWorker> remover) {
  static std::atomic<std::uint64_t> opened{0};
  // Names are DNS labels: they can neither leave the folder nor collide.
  std::shared_ptr<WorkloadVolumes> volumes(
      new WorkloadVolumes(fmt::format("{}/{}.{}.{}", root, spec.namespace_name, spec.name,
                                      opened.fetch_add(1, std::memory_order_relaxed)),
                          std::move(remover)));
  TRY_VOID(volumes->add(spec));
  return volumes;
}

WorkloadVolumes::~WorkloadVolumes() {
  if (!made_) return;
  remover_->post([folder = folder_] {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  });
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
    // What a process that was killed has left there is not this workload's.
    if (!std::exchange(made_, true)) fs::remove_all(folder_, error);
    fs::create_directories(path, error);
    if (error) return failErrno("volume \"" + volume.name + "\": " + path, error.value());
    fs::permissions(folder_, fs::perms::owner_all, error);
  }
  return {};
}

}  // namespace nimbus::host
