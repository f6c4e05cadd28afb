#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>

#include "base/result.h"
#include "net/shard.h"
#include "net/watch.h"

namespace nimbus::wash {

// Waits on the main thread for SIGINT or SIGTERM. A second signal ends the process at once.
class Termination {
 public:
  // On the main thread, once, before any other thread starts.
  static void prepare() { net::blockTerminationSignals(); }

  enum class OnSignal { kLetMainEnd, kExitAtOnce };
  [[nodiscard]] static Result<std::unique_ptr<Termination>> watch(
      net::ShardGroup& control, OnSignal on_signal = OnSignal::kLetMainEnd);
  ~Termination();

  // Blocks until a signal has come.
  void wait();
  // Ends waiting as a first signal does. Any thread.
  void request();
  // Calls back once as soon as there is something to wait() for, on whatever thread tells of it;
  // at once if that has come already. An empty function takes it back.
  void onRequest(std::function<void()> requested);

 private:
  Termination(net::ShardGroup& control, OnSignal on_signal)
      : control_(control), exit_from_(on_signal == OnSignal::kExitAtOnce ? 1 : 2) {}
  void received(int signal);
  void tell();  // under the mutex

  net::ShardGroup& control_;
  const int exit_from_;                        // the signal, counted from 1, that ends the process
  std::unique_ptr<net::SignalWatch> signals_;  // lives on the control shard
  std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
  std::function<void()> on_request_;
};

}  // namespace nimbus::wash
