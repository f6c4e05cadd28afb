#pragma once

#include <expected>
#include <system_error>

#include "base/result.h"

namespace nimbus {

// That a thread could not be started, which std::thread throws.
[[nodiscard]] inline std::unexpected<Error> failThread(const std::system_error& error) {
  return failErrno("cannot start a thread (see ulimit -u and the cgroup's pids.max)",
                   error.code().value());
}

}  // namespace nimbus
