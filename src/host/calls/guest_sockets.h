#pragma once

#include <cstdint>
#include <memory>

#include "base/metrics.h"
#include "base/quota.h"
#include "host/egress/egress.h"

namespace nimbus::host {

// How many may be open at once: sockets (wasi:sockets; outgoing HTTP has none of them), and files
// and folders (wasi:filesystem).
struct OpenLimits {
  std::uint64_t sockets = 0;
  std::uint64_t files = 0;
};

// What all guests of a host have open. Any thread.
struct HostSockets {
  struct Kind {
    Quota quota;
    const std::shared_ptr<Gauge> open;
    const std::shared_ptr<Counter> refused;
  };

  HostSockets(const OpenLimits& limits, MetricRegistry& metrics);

  Kind sockets;
  Kind files;
};

// Those sockets by which the components of one workload reach beyond it, all its generations
// together. Any thread.
struct WorkloadSockets {
  explicit WorkloadSockets(std::uint64_t limit) : outgoing(limit) {}

  Quota outgoing;
};

// The sockets and open files of one component of one deployment: each counts in its quota and in
// the host's. Each costs a descriptor of the process, which no other limit bounds. Any thread.
class GuestSockets {
 public:
  // Without a host and a workload only the component's own limit holds.
  GuestSockets(const OpenLimits& limits, std::shared_ptr<HostSockets> host,
               std::shared_ptr<WorkloadSockets> workload)
      : sockets_{.name = "sockets",
                 .own = Quota(limits.sockets),
                 .all = host ? &host->sockets : nullptr},
        files_{.name = "files", .own = Quota(limits.files), .all = host ? &host->files : nullptr},
        host_(std::move(host)),
        workload_(std::move(workload)) {}

  // One more, or kNoCapacity. close() gives it back.
  [[nodiscard]] Verdict open();
  void close();
  // One of those goes out of the workload, or kNoCapacity. closeOutgoing() gives that back.
  [[nodiscard]] Verdict openOutgoing();
  void closeOutgoing();
  // One more file or folder, or kNoCapacity. closeFile() gives it back.
  [[nodiscard]] Verdict openFile();
  void closeFile();

 private:
  struct Kind {
    const char* name;
    Quota own;
    HostSockets::Kind* all;  // null: without a host
  };

  [[nodiscard]] static Verdict take(Kind& kind);
  static void give(Kind& kind);

  Kind sockets_;
  Kind files_;
  const std::shared_ptr<HostSockets> host_;
  const std::shared_ptr<WorkloadSockets> workload_;
};

}  // namespace nimbus::host
