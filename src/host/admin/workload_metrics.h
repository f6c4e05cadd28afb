#pragma once

#include <functional>

#include "base/metrics.h"
#include "base/result.h"
#include "base/task.h"
#include "host/control/workload_manager.h"
#include "http/handler.h"
#include "net/shard.h"

namespace nimbus::host {

enum class MetricDetail { kTotals, kByComponent };

// Writes metrics that are made when somebody asks, in the Prometheus text format, as content.
using MetricWriter = std::function<Task<Result<void>>(http::ResponseWriter&)>;

// What all workloads do, and with kByComponent what each component does. Made of the counts that
// deployments keep anyway, so that requests pay nothing for it; a newer generation counts from
// zero. On the control shard, which gets its turn between pieces of the work: a host may have very
// many workloads.
[[nodiscard]] Task<Result<void>> writeWorkloadMetrics(net::Shard& shard,
                                                      const WorkloadManager& manager,
                                                      MetricDetail detail,
                                                      http::ResponseWriter& response);

// A whole response: the registry's metrics, and after them those of `more` if it is set.
[[nodiscard]] Task<void> sendMetrics(http::ResponseWriter& response, const MetricRegistry& metrics,
                                     const MetricWriter& more);

}  // namespace nimbus::host
