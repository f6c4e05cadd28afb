#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "engine/published_port.h"
#include "host/calls/led_port.h"
#include "host/deploy/expiring_map.h"

namespace nimbus::host {

// The ports of the machine that lead to services. Those that one generation of a workload has, the
// next has too, without a moment in which nobody listens. Control shard.
class PublishedPorts {
 public:
  // `patience`: how long connections wait for somebody to listen.
  explicit PublishedPorts(Duration patience = engine::kPortPatience) : patience_(patience) {}

  // Those of the workload's service, in their order; they lead nowhere new yet. kUnavailable with
  // the origin of the first that cannot be had.
  [[nodiscard]] Result<std::vector<LedPort>> open(const WorkloadSpec& spec);

 private:
  const Duration patience_;
  ExpiringMap<std::weak_ptr<const engine::PublishedPort>> ports_;  // by workload and address
};

}  // namespace nimbus::host
