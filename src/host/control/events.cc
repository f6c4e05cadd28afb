#include "host/control/events.h"

#include <utility>

namespace nimbus::host {

std::string_view eventKindName(EventKind kind) {
  switch (kind) {
    case EventKind::kStarting: return "starting";
    case EventKind::kRunning: return "running";
    case EventKind::kFailed: return "failed";
    case EventKind::kEnded: return "ended";
    case EventKind::kStopping: return "stopping";
    case EventKind::kRemoved: return "removed";
    case EventKind::kServiceRunning: return "service-running";
    case EventKind::kServiceRestarting: return "service-restarting";
    case EventKind::kServiceCompleted: return "service-completed";
    case EventKind::kServiceFailed: return "service-failed";
    case EventKind::kProblem: return "problem";
    case EventKind::kResolved: return "resolved";
    case EventKind::kReady: return "ready";
    case EventKind::kDraining: return "draining";
  }
  return "unknown";
}

EventLog::EventLog(net::Shard& shard, const Clock& clock, std::string epoch, Options options)
    : shard_(shard),
      clock_(clock),
      epoch_(std::move(epoch)),
      options_(options),
      heartbeat_(shard, [this] {
        heartbeat_armed_ = false;
        wakeReaders();
      }) {}

void EventLog::add(EventKind kind, std::string workload, std::uint64_t generation,
                   std::string message) {
  events_.push_back(
      {next_++, clock_.wallNow(), kind, std::move(workload), generation, std::move(message)});
  if (events_.size() > options_.capacity) events_.pop_front();
  shard_.defer(*this);
}

Task<EventLog::Item> EventLog::next(std::uint64_t after) {
  if (after >= newest() && !closed_) {
    if (!std::exchange(heartbeat_armed_, true)) heartbeat_.armAfter(options_.heartbeat);
    co_await changed_->wait();
  }
  if (after >= newest()) co_return closed_ ? Item(Closed{}) : Item(Heartbeat{});
  if (after + 1 < oldest()) co_return Missed{oldest() - after - 1};
  co_return events_[after + 1 - oldest()];
}

void EventLog::close() {
  closed_ = true;
  shard_.defer(*this);
}

void EventLog::wakeReaders() {
  // Readers wait again inside of set(): on the new event.
  const auto fired = std::exchange(changed_, std::make_unique<Event>());
  fired->set();
}

}  // namespace nimbus::host
