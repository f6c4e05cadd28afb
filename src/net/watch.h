#pragma once

#include <signal.h>

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "net/shard.h"

namespace nimbus::net {

// Watches a folder (not its sub-folders) by inotify and calls back on the shard once things have
// been quiet for `debounce`, or ten times that after the first change if they never are: files
// written, moved in or out, deleted, and symbolic links swapped, as Kubernetes does with ConfigMaps
// (`..data`). Survives the folder being removed and made again, and follows its name if that is a
// link turned elsewhere (both noticed within about a second). While a folder is there that
// cannot be watched, calls back every five seconds, so that it is looked at all the same. Made and
// destroyed on the shard's thread; `changed` may destroy it. A folder that is not there or cannot
// be watched at the start is an error.
class FolderWatch {
 public:
  virtual ~FolderWatch() = default;
  // Why the folder that is there now cannot be watched; empty: it is, or there is none. `changed`
  // is called when this has changed.
  [[nodiscard]] virtual std::string problem() const = 0;
};
[[nodiscard]] Result<std::unique_ptr<FolderWatch>> watchFolder(Shard& shard, std::string folder,
                                                               Duration debounce,
                                                               std::function<void()> changed);

// Calls back on the shard for SIGHUP, by which an operator says that a log file has been moved
// away. Made and destroyed on the shard's thread. main calls blockHangUps() before it starts any
// thread: threads inherit that, and a signal that any thread does not block would end the process
// instead.
class SignalWatch {
 public:
  virtual ~SignalWatch() = default;
};
[[nodiscard]] Result<std::unique_ptr<SignalWatch>> watchHangUps(Shard& shard,
                                                                std::function<void()> received);
void blockHangUps();

// The same for SIGINT and SIGTERM, which are the whole program's to wait for.
void blockTerminationSignals();

// Blocks those on this thread for as long as it lives: threads that are started meanwhile leave
// them to others, whoever waits for them later.
class TerminationSignalsBlocked {
 public:
  TerminationSignalsBlocked();
  TerminationSignalsBlocked(const TerminationSignalsBlocked&) = delete;
  TerminationSignalsBlocked& operator=(const TerminationSignalsBlocked&) = delete;
  ~TerminationSignalsBlocked();

 private:
  sigset_t before_;
};

}  // namespace nimbus::net
