#include "net/blocking_worker.h"

#include <algorithm>
#include <latch>
#include <optional>
#include <thread>

#include "net/test_support.h"

namespace nimbus::net {
namespace {

class BlockingWorkerTest : public ShardTest {};

TEST_F(BlockingWorkerTest, ResumesTheCallerOnItsShardWithTheValue) {
  BlockingWorker worker;
  run([&](Shard& shard) -> Task<void> {
    const auto where =
        co_await worker.run<std::thread::id>(shard, [] { return std::this_thread::get_id(); });
    EXPECT_NE(where, std::this_thread::get_id());
    EXPECT_EQ(Shard::current(), &shard);
  });
}

TEST_F(BlockingWorkerTest, OneThreadRunsJobsInTheirOrder) {
  std::vector<int> order;
  {
    BlockingWorker worker;
    for (int i = 0; i < 100; ++i) worker.post([&order, i] { order.push_back(i); });
  }
  ASSERT_EQ(order.size(), 100U);
  EXPECT_TRUE(std::ranges::is_sorted(order));
}

TEST_F(BlockingWorkerTest, SeveralThreadsRunJobsAtOnce) {
  BlockingWorker worker(3);
  std::latch all_here(3);  // each job waits for the two others
  std::latch done(3);
  for (int i = 0; i < 3; ++i) {
    worker.post([&] {
      all_here.arrive_and_wait();
      done.count_down();
    });
  }
  done.wait();
}

TEST_F(BlockingWorkerTest, TheJobOfADestroyedTaskStillRuns) {
  BlockingWorker worker;
  std::latch may_run(1);
  std::latch ran(1);
  group_->runOn(0, [&](Shard& shard) {
    std::optional<Task<int>> task(worker.run<int>(shard, [&] {
      may_run.wait();
      ran.count_down();
      return 1;
    }));
    task->start();
    task.reset();
  });
  may_run.count_down();
  ran.wait();
  run([&](Shard& shard) -> Task<void> {  // what the job posted has been dropped by now
    EXPECT_EQ(co_await worker.run<int>(shard, [] { return 2; }), 2);
  });
}

}  // namespace
}  // namespace nimbus::net
