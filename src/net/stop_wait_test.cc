#include "net/stop_wait.h"

#include <thread>

#include "base/race.h"
#include "base/sync.h"
#include "net/test_support.h"

namespace nimbus::net {
namespace {

class StopWaitTest : public ShardTest {};

TEST_F(StopWaitTest, EndsWhenAnotherThreadAsksForThat) {
  run([](Shard& shard) -> Task<void> {
    std::stop_source source;
    TaskSet tasks;
    tasks.spawn(untilStopped(shard, source.get_token()));
    EXPECT_EQ(tasks.size(), 1U) << "it waits";
    std::thread other([&source] { source.request_stop(); });
    co_await tasks.empty();
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
