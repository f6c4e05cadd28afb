#include "host/workload/permits.h"

#include "host/test_support.h"

namespace nimbus::host {
namespace {

class PermitsTest : public ShardTest {};

Task<void> holdUntil(Permits& permits, Event& done, std::vector<int>& order, int number) {
  const Permit permit = co_await permits.acquire();
  order.push_back(number);
  co_await done.wait();
}

TEST_F(PermitsTest, LetsSoManyRunAndTheOthersWaitInOrder) {
  run([](net::Shard& shard) -> Task<void> {
    Permits permits(shard, 2);
    Event done;
    std::vector<int> order;
    TaskSet tasks;
    for (int i = 0; i < 4; ++i) tasks.spawn(holdUntil(permits, done, order, i));
    EXPECT_EQ(order, (std::vector<int>{0, 1}));
    EXPECT_EQ(permits.waiting(), 2U);
    done.set();
    co_await settle(shard);
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3}));
    EXPECT_EQ(tasks.size(), 0U);
  });
}

TEST_F(PermitsTest, AWaiterThatIsDestroyedLeavesTheLine) {
  run([](net::Shard& shard) -> Task<void> {
    Permits permits(shard, 1);
    Event done;
    std::vector<int> order;
    TaskSet first;
    TaskSet second;
    TaskSet third;
    first.spawn(holdUntil(permits, done, order, 1));
    second.spawn(holdUntil(permits, done, order, 2));
    third.spawn(holdUntil(permits, done, order, 3));
    second.cancelAll();
    EXPECT_EQ(permits.waiting(), 1U);
    first.cancelAll();
    co_await settle(shard);
    EXPECT_EQ(order, (std::vector<int>{1, 3}));
  });
}

TEST_F(PermitsTest, ManyThatEndAtOnceDoNotGrowTheStack) {
  run([](net::Shard& shard) -> Task<void> {
    Permits permits(shard, 1);
    Event done;
    std::vector<int> order;
    TaskSet tasks;
    for (int i = 0; i < 100'000; ++i) tasks.spawn(holdUntil(permits, done, order, i));
    done.set();
    co_await tasks.empty();
    EXPECT_EQ(order.size(), 100'000U);
  });
}

}  // namespace
}  // namespace nimbus::host
