#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/sync.h"
#include "base/task.h"
#include "host/volumes/volumes.h"
#include "net/blocking_worker.h"
#include "net/shard.h"

namespace nimbus::host {

// Measures what ephemeral volumes hold, again and again, on a thread of its own: nothing is asked
// for each write. So a volume may hold more than its limit for as long as the rest between two
// rounds and one round take together. A round takes long where there is much to count; the rest is
// kRest or four times that, so that at most a fifth of one core goes into it.
//
// Lives on the control shard.
class VolumeWatch {
 public:
  static constexpr Duration kRest = std::chrono::seconds(1);

  // Is told of a volume that holds too much, and why that is; again in each round. It must not stop
  // the watch from there.
  using Exceeded = std::function<void(std::shared_ptr<WorkloadVolumes> volumes, std::string name,
                                      std::string why)>;

  VolumeWatch(net::Shard& shard, Logger& log, Exceeded exceeded, Duration rest = kRest);

  // Measures these until they are gone.
  void add(const std::shared_ptr<WorkloadVolumes>& volumes);
  // The last call.
  void stop() { tasks_.cancelAll(); }

 private:
  [[nodiscard]] Task<void> run();
  [[nodiscard]] Task<bool> measureAll();

  net::Shard& shard_;
  Logger& log_;
  const Exceeded exceeded_;
  const Duration rest_;
  std::set<std::weak_ptr<WorkloadVolumes>, std::owner_less<>> watched_;
  bool running_ = false;
  std::string last_problem_;
  net::BlockingWorker worker_;
  TaskSet tasks_;  // goes first
};

// --- what a round does, on any thread

// All that one round measures: the limits of each of the workloads' volumes.
using VolumeLimits = std::vector<std::shared_ptr<const std::vector<VolumeLimit>>>;

struct VolumeExcess {
  std::size_t index;  // of the workload
  VolumeLimit limit;
  std::string why;
};
struct VolumeRound {
  std::vector<VolumeExcess> excesses;
  std::string problem;  // of the first volume that could not be measured
};
[[nodiscard]] VolumeRound measureVolumes(const VolumeLimits& limits);

}  // namespace nimbus::host
