#include "host/calls/guest_sockets.h"

#include <fmt/format.h>

#include <string_view>

namespace nimbus::host {
namespace {

Verdict tooMany(std::string_view whose, std::uint64_t limit, std::string_view what) {
  return {DenyReason::kNoCapacity, fmt::format("{} has {} {} open already", whose, limit, what)};
}

}  // namespace

HostSockets::HostSockets(const OpenLimits& limits, MetricRegistry& metrics)
    : sockets{.quota = Quota(limits.sockets),
              .open = metrics.gauge("nimbus_guest_sockets", "Sockets that guests have open"),
              .refused =
                  metrics.counter("nimbus_guest_sockets_refused_total",
                                  "Sockets that guests were refused because there were too many")},
      files{.quota = Quota(limits.files),
            .open = metrics.gauge("nimbus_guest_files", "Files and folders that guests have open"),
            .refused = metrics.counter("nimbus_guest_files_refused_total",
                                       "Files and folders that guests could not open because there "
                                       "were too many")} {}

Verdict GuestSockets::take(Kind& kind) {
  if (kind.own.take(1) == 0) {
    if (kind.all != nullptr) kind.all->refused->add();
    return tooMany("the component", kind.own.limit(), kind.name);
  }
  if (kind.all == nullptr) return {};
  if (kind.all->quota.take(1) == 0) {
    kind.own.give(1);
    kind.all->refused->add();
    return tooMany("the host", kind.all->quota.limit(), kind.name);
  }
  kind.all->open->add(1);
  return {};
}

void GuestSockets::give(Kind& kind) {
  if (kind.all != nullptr) {
    kind.all->open->add(-1);
    kind.all->quota.give(1);
  }
  kind.own.give(1);
}

Verdict GuestSockets::open() { return take(sockets_); }
void GuestSockets::close() { give(sockets_); }

Verdict GuestSockets::openFile() { return take(files_); }
void GuestSockets::closeFile() { give(files_); }

Verdict GuestSockets::openOutgoing() {
  if (!workload_ || workload_->outgoing.take(1) == 1) return {};
  if (host_) host_->sockets.refused->add();
  return tooMany("the workload", workload_->outgoing.limit(), "outgoing sockets");
}

void GuestSockets::closeOutgoing() {
  if (workload_) workload_->outgoing.give(1);
}

}  // namespace nimbus::host
