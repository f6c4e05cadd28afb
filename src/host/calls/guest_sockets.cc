#include "host/calls/guest_sockets.h"

#include <fmt/format.h>

namespace nimbus::host {

HostSockets::HostSockets(std::uint64_t limit, MetricRegistry& metrics)
    : quota(limit),
      open(metrics.gauge("nimbus_guest_sockets", "Sockets that guests have open")),
      refused(metrics.counter("nimbus_guest_sockets_refused_total",
                              "Sockets that guests were refused because there were too many")) {}

Verdict GuestSockets::refused(std::uint64_t limit, const char* whose) const {
  if (host_) host_->refused->add();
  return {DenyReason::kNoCapacity, fmt::format("{} has {} sockets open already", whose, limit)};
}

Verdict GuestSockets::open() {
  if (own_.take(1) == 0) return refused(own_.limit(), "the component");
  if (!host_) return {};
  if (host_->quota.take(1) == 0) {
    own_.give(1);
    return refused(host_->quota.limit(), "the host");
  }
  host_->open->add(1);
  return {};
}

void GuestSockets::close() {
  if (host_) {
    host_->open->add(-1);
    host_->quota.give(1);
  }
  own_.give(1);
}

Verdict GuestSockets::openOutgoing() {
  if (!workload_ || workload_->outgoing.take(1) == 1) return {};
  if (host_) host_->refused->add();
  return {DenyReason::kNoCapacity, fmt::format("the workload has {} outgoing sockets open already",
                                               workload_->outgoing.limit())};
}

void GuestSockets::closeOutgoing() {
  if (workload_) workload_->outgoing.give(1);
}

}  // namespace nimbus::host
