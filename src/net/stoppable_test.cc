#include "net/stoppable.h"

#include <gtest/gtest.h>

#include <chrono>
#include <latch>
#include <thread>

#include "base/result.h"

namespace nimbus::net {
namespace {

Task<int> answer(Shard* shard) {
  co_await shard->sleepFor(std::chrono::milliseconds(1));
  co_return 7;
}

// Says that it runs, and never ends by itself.
Task<int> forever(Shard* shard, std::latch* running) {
  running->count_down();
  co_await shard->sleepFor(std::chrono::hours(1));
  co_return 7;
}

TEST(Stoppable, GivesTheResultOfATaskThatCompletes) {
  auto group = ShardGroup::start(1);
  ASSERT_TRUE(group);
  std::stop_source stop;
  std::optional<int> result;
  (*group)->runTask(0, [&](Shard& shard) {
    return keepUnlessStopped<int>(shard, answer(&shard), &result, stop.get_token());
  });
  EXPECT_EQ(result, 7);
}

TEST(Stoppable, CancelsATaskFromAnotherThread) {
  auto group = ShardGroup::start(1);
  ASSERT_TRUE(group);
  std::stop_source stop;
  std::latch running(1);
  std::thread stopper([&] {
    running.wait();
    stop.request_stop();
  });
  std::optional<int> result;
  (*group)->runTask(0, [&](Shard& shard) {
    return keepUnlessStopped<int>(shard, forever(&shard, &running), &result, stop.get_token());
  });
  stopper.join();
  EXPECT_FALSE(result);
}

TEST(Stoppable, CancelsATaskWhereTheStopCameFirst) {
  auto group = ShardGroup::start(1);
  ASSERT_TRUE(group);
  std::stop_source stop;
  stop.request_stop();
  std::latch running(1);
  std::optional<int> result;
  (*group)->runTask(0, [&](Shard& shard) {
    return keepUnlessStopped<int>(shard, forever(&shard, &running), &result, stop.get_token());
  });
  EXPECT_FALSE(result);
}

Task<Result<int>> endingOrNot(Shard* shard, bool ends) {
  std::latch running(1);
  co_return co_await (ends ? answer(shard) : forever(shard, &running));
}

TEST(Stoppable, GivesTheCallerWhatCompletesAndSaysWhatWasStopped) {
  auto group = ShardGroup::start(1);
  ASSERT_TRUE(group);
  std::stop_source stop;
  const auto run = [&](bool ends) {
    return runUnlessStopped<int>(**group, stop.get_token(), "download",
                                 [&](Shard& shard) { return endingOrNot(&shard, ends); });
  };
  const Result<int> completed = run(true);
  ASSERT_TRUE(completed);
  EXPECT_EQ(*completed, 7);
  stop.request_stop();
  const Result<int> stopped = run(false);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code(), ErrorCode::kCancelled);
  EXPECT_EQ(stopped.error().message(), "the download was stopped");
}

}  // namespace
}  // namespace nimbus::net
