#pragma once

#include <functional>

#include "base/result.h"

namespace nimbus::wrpc {

// Told of each call of a remote provider that failed, but for those that their caller gave up; on
// the call's shard. May be empty.
using OnCallFailure = std::function<void(const Error&)>;

// Told of each call that a remote provider answered; likewise.
using OnCallAnswer = std::function<void()>;

// Tells it, and gives the error on.
[[nodiscard]] inline Error reported(const OnCallFailure& on_failure, Error error) {
  if (on_failure && error.code() != ErrorCode::kCancelled) on_failure(error);
  return error;
}

}  // namespace nimbus::wrpc
