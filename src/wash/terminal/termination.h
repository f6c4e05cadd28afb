#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>

#include "net/watch.h"
#include "wash/terminal/interrupt.h"

namespace nimbus::wash {

// Waits for the SIGINT or SIGTERM by which what serves is ended. A second signal ends the process
// at once. Made and destroyed on the main thread, as an Interrupt.
class Termination {
 public:
  // On the main thread, once, before any other thread starts.
  static void prepare() { net::blockTerminationSignals(); }

  Termination();
  Termination(const Termination&) = delete;
  Termination& operator=(const Termination&) = delete;
  ~Termination() = default;

  // Blocks until a signal has come.
  void wait();
  // Ends waiting as a first signal does, and makes the next one the second. Any thread.
  void request();
  // Calls back once as soon as there is something to wait() for, on whatever thread tells of it;
  // at once if that has come already. An empty function takes it back.
  void onRequest(std::function<void()> requested);

 private:
  void received();
  void tell();  // under the mutex

  std::mutex mutex_;
  std::condition_variable changed_;
  bool requested_ = false;
  std::function<void()> on_request_;
  const Interrupt interrupt_;
  const std::stop_callback<std::function<void()>> told_;
};

}  // namespace nimbus::wash
