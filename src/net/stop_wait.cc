#include "net/stop_wait.h"

#include <memory>
#include <utility>

#include "base/sync.h"

namespace nimbus::net {

Task<void> untilStopped(Shard& shard, std::stop_token stop) {
  const auto stopped = std::make_shared<Event>();
  const std::stop_callback tell(std::move(stop),
                                [&shard, stopped] { shard.post([stopped] { stopped->set(); }); });
  co_await stopped->wait();
}

}  // namespace nimbus::net
