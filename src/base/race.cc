#include "base/race.h"

#include <optional>

namespace nimbus {
namespace {

Task<void> run(Task<void> task, std::optional<Raced>& winner, Raced as, TaskSet& other) {
  co_await std::move(task);
  if (winner) co_return;
  winner = as;
  other.cancelAll();
}

}  // namespace

Task<Raced> race(Task<void> task, Task<void> timeout) {
  std::optional<Raced> winner;
  TaskSet working;
  TaskSet waiting;
  working.spawn(run(std::move(task), winner, Raced::kFinished, waiting));
  if (!winner) waiting.spawn(run(std::move(timeout), winner, Raced::kTimedOut, working));
  // Both: a frame that is still running must not be destroyed with its set.
  co_await working.empty();
  co_await waiting.empty();
  co_return *winner;
}

Task<void> withTimeout(Task<void> task, Task<void> timeout) {
  (void)co_await race(std::move(task), std::move(timeout));
}

}  // namespace nimbus
