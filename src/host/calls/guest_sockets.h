#pragma once

#include <cstdint>
#include <memory>

#include "base/metrics.h"
#include "base/quota.h"
#include "host/egress/egress.h"

namespace nimbus::host {

// The sockets of all guests of a host (wasi:sockets; outgoing HTTP has none of them). Any thread.
struct HostSockets {
  HostSockets(std::uint64_t limit, MetricRegistry& metrics);

  Quota quota;
  const std::shared_ptr<Gauge> open;
  const std::shared_ptr<Counter> refused;
};

// Those of them by which the components of one workload reach beyond it, all its generations
// together. Any thread.
struct WorkloadSockets {
  explicit WorkloadSockets(std::uint64_t limit) : outgoing(limit) {}

  Quota outgoing;
};

// The sockets of one component of one deployment: each counts in its quota and in the host's. A
// socket costs a descriptor of the process, which no other limit bounds. Any thread.
class GuestSockets {
 public:
  // Without a host and a workload only the component's own limit holds.
  GuestSockets(std::uint64_t limit, std::shared_ptr<HostSockets> host,
               std::shared_ptr<WorkloadSockets> workload)
      : own_(limit), host_(std::move(host)), workload_(std::move(workload)) {}

  // One more, or kNoCapacity. close() gives it back.
  [[nodiscard]] Verdict open();
  void close();
  // One of those goes out of the workload, or kNoCapacity. closeOutgoing() gives that back.
  [[nodiscard]] Verdict openOutgoing();
  void closeOutgoing();

 private:
  [[nodiscard]] Verdict refused(std::uint64_t limit, const char* whose) const;

  Quota own_;
  const std::shared_ptr<HostSockets> host_;
  const std::shared_ptr<WorkloadSockets> workload_;
};

}  // namespace nimbus::host
