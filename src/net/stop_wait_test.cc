#include "net/stop_wait.h"

#include <thread>

#include "base/race.h"
#include "net/test_support.h"

namespace nimbus::net {
namespace {

class StopWaitTest : public ShardTest {};

TEST_F(StopWaitTest, EndsWhenAnotherThreadAsksForThat) {
  run([](Shard& shard) -> Task<void> {
    std::stop_source source;
    std::thread other;
    auto waiting = untilStopped(shard, source.get_token());
    other = std::thread([&source] { source.request_stop(); });
    co_await std::move(waiting);
    other.join();
    co_await untilStopped(shard, source.get_token());  // which was asked for before
  });
}

TEST_F(StopWaitTest, CanBeGivenUp) {
  run([](Shard& shard) -> Task<void> {
    std::stop_source source;
    EXPECT_EQ(co_await race(untilStopped(shard, source.get_token()),
                            shard.sleepFor(std::chrono::milliseconds(1))),
              Raced::kTimedOut);
    source.request_stop();
    EXPECT_EQ(co_await race(untilStopped(shard, {}), shard.sleepFor(std::chrono::milliseconds(1))),
              Raced::kTimedOut);
  });
}

}  // namespace
}  // namespace nimbus::net
