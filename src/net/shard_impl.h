#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/sync.h"
#include "net/event_loop.h"
#include "net/idle_gate.h"
#include "net/shard.h"
#include "net/timer_heap.h"

namespace nimbus::net {

// The inside of a shard. Internal to src/net.
//
// The event loop waits for descriptors, and the earliest timer bounds the wait. Work posted by the
// shard itself is a plain vector (no lock, no system call); work from elsewhere is a vector under a
// mutex that wakes the loop only if it sleeps.
struct Shard::Impl {
  using Work = std::move_only_function<void()>;

  Impl(Shard& owner, std::size_t shard_index);

  void run();  // the thread's body: turns until stop
  void post(Work work);
  [[nodiscard]] TimePoint now();

  Shard& shard;
  const std::size_t index;
  EventLoop loop;
  TimerHeap timers;
  TaskSet tasks;  // of ShardGroup::runTask
  Deferred* deferred = nullptr;
  Deferred* for_idle = nullptr;
  IdleGate idle_gate;  // when `for_idle` runs
  std::thread thread;
  bool stopping = false;

  static void link(Deferred*& list, Deferred& item);

 private:
  void turn();
  void runPosted();
  void runDeferred();
  // Waits until it is time for what waits for idleness, or something else is to be done.
  void lookForIdle(bool more_to_do);
  // For events, until the next timer or the limit.
  void waitForWork(Duration limit);

  bool now_known_ = false;
  TimePoint now_{};
  std::vector<Work> local_;    // posted by this thread
  std::vector<Work> running_;  // being run; keeps its memory

  std::mutex mutex_;
  std::vector<Work> remote_;  // posted by others
  // Two flags that each side sets before it reads the other's, so that no wake-up is lost and none
  // is sent to a loop that is busy anyway.
  std::atomic<bool> remote_waiting_ = false;  // remote_ has something
  std::atomic<bool> sleeping_ = false;        // the loop waits, or is about to
};

}  // namespace nimbus::net
