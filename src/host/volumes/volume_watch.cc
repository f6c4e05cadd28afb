#include "host/volumes/volume_watch.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <map>
#include <optional>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/escape.h"
#include "engine/opened_files.h"
#include "host/manifest/text_rules.h"
#include "host/volumes/guest_tree.h"

namespace nimbus::host {
namespace {

constexpr int kRestsPerRound = 4;

// What files that are open and have no name any more take of each volume.
class UnnamedUse {
 public:
  explicit UnnamedUse(const VolumeLimits& limits) {
    const std::vector<UnnamedFile> files = unnamedFiles(engine::volumesOfFile);
    if (files.empty()) return;
    const std::map<std::string, std::string> folders = realFoldersOf(limits);
    for (const UnnamedFile& file : files) {
      const auto after = folders.upper_bound(file.path);
      if (after == folders.begin()) continue;
      const auto& [real, path] = *std::prev(after);
      if (file.path.starts_with(real)) bytes_[path] += file.bytes;
    }
  }
  [[nodiscard]] std::uint64_t of(const std::string& path) const {
    const auto found = bytes_.find(path);
    return found == bytes_.end() ? 0 : found->second;
  }

 private:
  static std::map<std::string, std::string> realFoldersOf(const VolumeLimits& limits) {
    std::map<std::string, std::string> folders;
    for (const auto& workload : limits) {
      for (const VolumeLimit& limit : *workload) {
        std::error_code error;
        const auto real = std::filesystem::canonical(limit.path, error);
        if (!error) folders.emplace(real.string() + "/", limit.path);
      }
    }
    return folders;
  }

  std::map<std::string, std::uint64_t> bytes_;  // by the volume's path
};

Result<std::optional<std::string>> excessOf(const VolumeLimit& limit, std::uint64_t unnamed_bytes) {
  TRY(const TreeUse use, useOf(limit.path, limit.bytes));
  if (use.bytes + unnamed_bytes > limit.bytes)
    return fmt::format("the volume {} held more than its sizeLimit of {}", inQuotes(limit.name),
                       formatByteQuantity(limit.bytes));
  if (use.too_deep)
    return fmt::format("the volume {} held folders in folders, more than {} deep",
                       inQuotes(limit.name), kDeepestFolder);
  return std::nullopt;
}

}  // namespace

VolumeRound measureVolumes(const VolumeLimits& limits) {
  const UnnamedUse unnamed(limits);
  VolumeRound round;
  for (std::size_t i = 0; i < limits.size(); ++i) {
    for (const VolumeLimit& limit : *limits[i]) {
      auto excess = excessOf(limit, unnamed.of(limit.path));
      if (!excess) {
        if (round.problem.empty()) round.problem = excess.error().describe();
      } else if (*excess) {
        round.excesses.push_back({i, limit, **std::move(excess)});
      }
    }
  }
  return round;
}

VolumeWatch::VolumeWatch(net::Shard& shard, Logger& log, Exceeded exceeded, Duration rest)
    : shard_(shard), log_(log), exceeded_(std::move(exceeded)), rest_(rest) {}

void VolumeWatch::add(const std::shared_ptr<WorkloadVolumes>& volumes) {
  watched_.insert(volumes);
  if (!std::exchange(running_, true)) tasks_.spawn(run());
}

Task<void> VolumeWatch::run() {
  Duration rest = rest_;
  while (true) {
    co_await shard_.sleepFor(rest);
    const TimePoint begun = shard_.now();
    if (!co_await measureAll()) break;
    rest = std::max(rest_, kRestsPerRound * (shard_.now() - begun));
  }
  running_ = false;
}

// False if there is nothing to measure any more.
Task<bool> VolumeWatch::measureAll() {
  std::erase_if(watched_, [](const auto& volumes) { return volumes.expired(); });
  if (watched_.empty()) co_return false;
  std::vector<std::weak_ptr<WorkloadVolumes>> measured;
  VolumeLimits limits;
  for (const auto& watched : watched_) {
    const auto volumes = watched.lock();
    if (!volumes) continue;
    measured.push_back(watched);
    limits.push_back(volumes->limits());
  }
  VolumeRound round = co_await worker_.run<VolumeRound>(
      shard_, [limits = std::move(limits)] { return measureVolumes(limits); });
  for (VolumeExcess& excess : round.excesses) {
    // With another limit there is another deployment, and another round for it.
    auto volumes = measured[excess.index].lock();
    if (!volumes) continue;
    const auto now = volumes->limits();
    if (std::ranges::find(*now, excess.limit) != now->end())
      exceeded_(std::move(volumes), std::move(excess.limit.name), std::move(excess.why));
  }
  // A workload that has gone meanwhile is no problem; what lasts is told once.
  if (!round.problem.empty() && round.problem != last_problem_)
    log_.warn("a volume cannot be measured", {{"error", round.problem}});
  last_problem_ = std::move(round.problem);
  co_return true;
}

}  // namespace nimbus::host
