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

  [[nodiscard]] static Result<std::unique_ptr<Termination>> watch(net::ShardGroup& control);
  ~Termination();

  // Blocks until a signal has come.
  void wait();
  // Ends waiting as a first signal does. Any thread.
  void request();
  // Calls back once as soon as there is something to wait() for, on whatever thread tells of it;
  // at once if that has come already. An empty function takes it back.
  void onRequest(std::function<void()> requested);

 private:
  explicit Termination(net::ShardGroup& control) : control_(control) {}
  void received(int signal);
  void tell();  // under the mutex

  net::ShardGroup& control_;

  std::unique_ptr<net::SignalWatch> signals_;  // lives on the control shard
  std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
  std::function<void()> on_request_;
};

}  // namespace nimbus::wash
