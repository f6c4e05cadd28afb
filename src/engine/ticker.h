#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "base/clock.h"

namespace nimbus::engine {

// Calls a function again and again on a thread of its own, from construction to destruction. It
// says how long to wait before the next time.
class Ticker {
 public:
  Ticker(Duration first, std::function<Duration()> tick);
  ~Ticker();
  Ticker(const Ticker&) = delete;
  Ticker& operator=(const Ticker&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace nimbus::engine
