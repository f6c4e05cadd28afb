#include "net/stoppable.h"

#include <memory>

#include "base/race.h"
#include "base/sync.h"

namespace nimbus::net {

namespace {

Task<void> waitFor(std::shared_ptr<Event> event) { co_await event->wait(); }

}  // namespace

Task<bool> untilStopped(Shard& shard, Task<void> task, std::stop_token stop) {
  // Outlives the coroutine in what has been posted.
  const auto stopped = std::make_shared<Event>();
  const auto tell = [&shard, stopped] { shard.post([stopped] { stopped->set(); }); };
  const std::stop_callback told(stop, tell);
  co_return co_await race(std::move(task), waitFor(stopped)) == Raced::kFinished;
}

}  // namespace nimbus::net
