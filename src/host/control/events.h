#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "base/clock.h"
#include "base/sync.h"
#include "base/task.h"
#include "net/shard.h"

namespace nimbus::host {

// Something that happened to a workload or to the host.
enum class EventKind {
  kStarting,        // a generation is being prepared
  kRunning,         // a generation serves
  kFailed,          // a generation could not be brought to serve; the one before still does, if any
  kEnded,           // a generation was ended because of what it did; its workload serves no more
  kStopping,        // a workload is being removed
  kRemoved,         // a workload is gone
  kServiceRunning,  // a workload's service has been started, for the first time or again
  kServiceRestarting,  // it has failed and is started again after a pause
  kServiceCompleted,   // it has ended well
  kServiceFailed,      // it has failed too often and stays down
  kProblem,            // a manifest of the folder, or the folder itself, cannot be used
  kResolved,           // such a problem is gone
  kReady,              // the host has restored its workloads
  kDraining,           // the host takes no changes any more and is about to end
};
[[nodiscard]] std::string_view eventKindName(EventKind kind);

struct HostEvent {
  std::uint64_t sequence = 0;
  std::chrono::system_clock::time_point time;
  EventKind kind = EventKind::kStarting;
  std::string workload;          // id; empty if it is about the host
  std::uint64_t generation = 0;  // 0: none
  std::string message;           // may be empty
};

// The newest events of the host, in order, numbered from 1 without gaps. Bounded: the oldest go.
// Lives on the control shard. Readers pull with cursors of their own, so a slow one costs nothing
// and is told how many events it has missed.
class EventLog final : net::Deferred {
 public:
  struct Options {
    std::size_t capacity = 1024;
    // A waiting reader is resumed at least this often, with nothing, so that it can say that it is
    // alive.
    Duration heartbeat = std::chrono::seconds(15);
  };
  // `epoch` tells sequence numbers of one run of the host from those of another.
  EventLog(net::Shard& shard, const Clock& clock, std::string epoch, Options options);
  EventLog(net::Shard& shard, const Clock& clock, std::string epoch)
      : EventLog(shard, clock, std::move(epoch), Options{}) {}

  [[nodiscard]] const std::string& epoch() const { return epoch_; }

  // Readers are resumed later in this turn of the loop, never inside.
  void add(EventKind kind, std::string workload, std::uint64_t generation, std::string message);

  // Number of the newest event; 0: none yet.
  [[nodiscard]] std::uint64_t newest() const { return next_ - 1; }

  struct Missed {
    std::uint64_t count = 0;
  };
  struct Heartbeat {};
  struct Closed {};
  using Item = std::variant<HostEvent, Missed, Heartbeat, Closed>;

  // The event after number `after`; waits for it if it has not happened yet. After Missed, go on
  // with the number that oldest() gives, less one.
  [[nodiscard]] Task<Item> next(std::uint64_t after);
  [[nodiscard]] std::uint64_t oldest() const { return next_ - events_.size(); }

  // No more events: readers get Closed once they have read the rest.
  void close();

 private:
  void runDeferred() override { wakeReaders(); }
  void wakeReaders();

  net::Shard& shard_;
  const Clock& clock_;
  const std::string epoch_;
  const Options options_;
  std::uint64_t next_ = 1;
  std::deque<HostEvent> events_;
  bool closed_ = false;
  std::unique_ptr<Event> changed_ = std::make_unique<Event>();
  net::Timer heartbeat_;
  bool heartbeat_armed_ = false;
};

}  // namespace nimbus::host
