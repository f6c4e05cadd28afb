#pragma once

#include <string>

#include "host/workload_manager.h"

namespace nimbus::host {

enum class MetricDetail { kTotals, kByComponent };

// What all workloads do, and with kByComponent what each component does, in the Prometheus text
// format. Made of the counts that deployments keep anyway when somebody asks, so that requests pay
// nothing for it; a newer generation counts from zero. On the control shard.
[[nodiscard]] std::string renderWorkloadMetrics(const WorkloadManager& manager,
                                                MetricDetail detail);

}  // namespace nimbus::host
