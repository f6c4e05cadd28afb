#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "host/calls/failure_log.h"
#include "net/shard.h"

namespace nimbus::host {

// The components with records that were held back: tells of them once a second, so that nobody has
// to wait for the next record that passes.
class HeldBack : public std::enable_shared_from_this<HeldBack> {
 public:
  static constexpr Duration kPause = std::chrono::seconds(1);

  // Tells on that shard.
  explicit HeldBack(net::Shard& shard, Duration pause = kPause) : shard_(shard), pause_(pause) {}
  // Any thread. Keeps the log until it has told.
  void add(std::shared_ptr<ComponentLog> log);
  // Tells of the rest; what comes later is not told. On the shard, once before the destructor.
  void stop();

 private:
  void arm();
  void tell();

  net::Shard& shard_;
  const Duration pause_;
  std::optional<net::Timer> timer_;  // on the shard only
  std::mutex mutex_;
  std::vector<std::shared_ptr<ComponentLog>> logs_;
  bool stopped_ = false;
};

}  // namespace nimbus::host
