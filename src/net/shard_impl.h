#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/sync.h"
#include "net/shard.h"
#include "net/timer_heap.h"

namespace nimbus::net {

// The inside of a shard. Internal to src/net: includes Asio.
//
// Asio waits for descriptors; timers, posted work and deferred work are our own beside it, because
// they are needed on every request: the timers are one heap whose earliest time bounds the wait
// (no timerfd), work posted by the shard itself is a plain vector (no lock, no system call), and
// work from elsewhere is a vector under a mutex that wakes the loop only if it sleeps.
struct Shard::Impl {
  using Work = std::move_only_function<void()>;

  Impl(Shard& owner, std::size_t shard_index);

  void run();  // the thread's body: turns until stop
  void post(Work work);
  [[nodiscard]] TimePoint now();

  Shard& shard;
  const std::size_t index;
  boost::asio::io_context io;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> keep_running;
  TimerHeap timers;
  TaskSet tasks;  // of ShardGroup::runTask
  Deferred* deferred = nullptr;
  std::thread thread;
  bool stopping = false;

 private:
  void turn();
  void runPosted();
  void runDeferred();
  static void unlink(Deferred& item);
  void waitForWork();

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
