#include "host/volumes/volumes.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <ranges>
#include <set>
#include <system_error>
#include <utility>

namespace nimbus::host {

namespace fs = std::filesystem;

Result<std::unique_ptr<VolumeUse>> WorkloadVolumes::open(const WorkloadSpec& spec,
                                                         std::shared_ptr<VolumeRoot> root) {
  static std::atomic<std::uint64_t> opened{0};
  // Names are DNS labels: they can neither leave the folder nor collide.
  std::shared_ptr<WorkloadVolumes> volumes(
      new WorkloadVolumes(spec.id(),
                          fmt::format("{}.{}.{}", spec.namespace_name, spec.name,
                                      opened.fetch_add(1, std::memory_order_relaxed)),
                          std::move(root)));
  return volumes->use(spec);
}

// Where it fails, what it has made goes with the use.
Result<std::unique_ptr<VolumeUse>> WorkloadVolumes::use(const WorkloadSpec& spec) {
  std::unique_ptr<VolumeUse> use(new VolumeUse(shared_from_this()));
  const std::lock_guard lock(mutex_);
  uses_.insert(uses_.begin(), use.get());
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
    use->ephemeral_.push_back({volume.name, volume.size_limit_bytes});
  }
  return use;
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

Result<void> WorkloadVolumes::makeVolume(const std::string& name) {
  const std::string path = folderOf(name);
  std::error_code error;
  // Left by an earlier one that could not be moved away when it ended.
  if (!isUsed(name) && fs::exists(path, error)) TRY_VOID(root_->moveAway(path));
  fs::create_directory(path, error);
  if (error) return failErrno("volume \"" + name + "\": " + path, error.value());
  return {};
}

std::string WorkloadVolumes::folderOf(std::string_view name) const {
  return fmt::format("{}/{}", folder_, name);
}

std::string WorkloadVolumes::pathOf(const VolumeSpec& volume) const {
  if (!volume.host_path.empty()) return volume.host_path;
  const std::lock_guard lock(mutex_);
  return folderOf(volume.name);
}

bool WorkloadVolumes::isUsed(std::string_view name) const {
  return std::ranges::any_of(uses_, [&](const VolumeUse* use) { return use->names(name); });
}

void WorkloadVolumes::setLimits(VolumeUse& use, std::uint64_t default_bytes) {
  const std::lock_guard lock(mutex_);
  use.default_bytes_ = default_bytes;
  const auto place = std::ranges::find(uses_, &use);
  std::rotate(place, place + 1, uses_.end());
  collectLimits();
}

void WorkloadVolumes::collectLimits() {
  std::vector<VolumeLimit> limits;
  for (const VolumeUse* use : std::views::reverse(uses_)) {
    if (!use->default_bytes_) continue;
    for (const VolumeUse::Ephemeral& volume : use->ephemeral_) {
      if (std::ranges::find(limits, volume.name, &VolumeLimit::name) != limits.end()) continue;
      limits.push_back(
          {volume.name, folderOf(volume.name), volume.limit_bytes.value_or(*use->default_bytes_)});
    }
  }
  limits_ = std::make_shared<const std::vector<VolumeLimit>>(std::move(limits));
}

void WorkloadVolumes::end(const VolumeUse& use) {
  const std::lock_guard lock(mutex_);
  std::erase(uses_, &use);
  collectLimits();
  for (const VolumeUse::Ephemeral& volume : use.ephemeral_) {
    if (isUsed(volume.name)) continue;
    // What is left goes with the folder, or before the next volume of that name is made.
    static_cast<void>(root_->moveAway(folderOf(volume.name)));
  }
}

std::shared_ptr<const std::vector<VolumeLimit>> WorkloadVolumes::limits() const {
  const std::lock_guard lock(mutex_);
  return limits_;
}

std::vector<std::string> WorkloadVolumes::names() const {
  std::set<std::string> names;
  const std::lock_guard lock(mutex_);
  for (const VolumeUse* use : uses_)
    for (const VolumeUse::Ephemeral& volume : use->ephemeral_) names.insert(volume.name);
  return {names.begin(), names.end()};
}

// What still writes there for a moment has a folder that nobody else sees.
Result<void> WorkloadVolumes::clear(const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (!isUsed(name)) return {};
  TRY_VOID(root_->moveAway(folderOf(name)));
  return makeVolume(name);
}

bool VolumeUse::names(std::string_view volume) const {
  return std::ranges::find(ephemeral_, volume, &Ephemeral::name) != ephemeral_.end();
}

}  // namespace nimbus::host
