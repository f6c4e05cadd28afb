#pragma once

#include <functional>
#include <memory>

#include "http/access_log.h"
#include "net/shard.h"
#include "net/watch.h"

namespace nimbus::wash {

// Tells the program's log of what the access log cannot write; for openAccessLog().
[[nodiscard]] std::function<void(const Error&)> accessLogProblems(Logger& log);

// Opens the access log of a host anew at each SIGHUP: log rotation has moved its file away before.
class AccessLogRotation {
 public:
  // On the main thread, once, before any other thread starts. From now on SIGHUP ends nothing.
  static void prepare() { net::blockHangUps(); }

  // What it is given outlives it.
  [[nodiscard]] static Result<std::unique_ptr<AccessLogRotation>> watch(net::ShardGroup& control,
                                                                        http::AccessLog& access_log,
                                                                        Logger& log);
  ~AccessLogRotation();
  AccessLogRotation(const AccessLogRotation&) = delete;
  AccessLogRotation& operator=(const AccessLogRotation&) = delete;

 private:
  AccessLogRotation(net::ShardGroup& control, http::AccessLog& access_log, Logger& log)
      : control_(control), access_log_(access_log), log_(log) {}
  void reopen();

  net::ShardGroup& control_;
  http::AccessLog& access_log_;
  Logger& log_;
  std::unique_ptr<net::SignalWatch> hang_ups_;  // lives on the control shard
};

}  // namespace nimbus::wash
