#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "base/clock.h"

namespace nimbus::wash {

// Ends the process if a command still stands after its time: one that writes to a pipe that nobody
// reads keeps its shard, and with it the timer by which it would end. `tell` says so and returns
// the status; where it cannot within half a second, as nobody reads that either, the process ends
// all the same, with 1. Lives from the begin of the command until its end has been told; made where
// termination signals are blocked.
class LateEnd {
 public:
  LateEnd(Duration time, std::function<int()> tell);
  LateEnd(const LateEnd&) = delete;
  LateEnd& operator=(const LateEnd&) = delete;
  ~LateEnd();

 private:
  void watch(TimePoint when);
  [[noreturn]] void end();

  std::function<int()> tell_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool told_ = false;  // in time, under the mutex
  std::thread thread_;
};

}  // namespace nimbus::wash
