#pragma once

#include "base/log.h"
#include "base/metrics.h"
#include "base/sync.h"
#include "net/shard.h"

namespace nimbus::host {

// Keeps the metrics of open files up to date, and says in the log, at most once a minute, that
// connections wait because the process has no file descriptor left. Works on the control shard from
// construction to destruction; made on the main thread.
class DescriptorWatch {
 public:
  DescriptorWatch(net::ShardGroup& control, Logger& log, MetricRegistry& metrics);
  ~DescriptorWatch();
  DescriptorWatch(const DescriptorWatch&) = delete;
  DescriptorWatch& operator=(const DescriptorWatch&) = delete;

 private:
  net::ShardGroup& control_;
  TaskSet tasks_;  // the control shard's
};

}  // namespace nimbus::host
