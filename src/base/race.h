#pragma once

#include "base/sync.h"
#include "base/task.h"

namespace nimbus {

enum class Raced { kFinished, kTimedOut };

// Runs `task` until it completes or `timeout` does, whichever is first; the other is cancelled.
[[nodiscard]] Task<Raced> race(Task<void> task, Task<void> timeout);

// The same where it does not matter which one it was.
[[nodiscard]] Task<void> withTimeout(Task<void> task, Task<void> timeout);

}  // namespace nimbus
