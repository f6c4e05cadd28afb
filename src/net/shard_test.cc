#include "net/shard.h"

#include <pthread.h>
#include <sched.h>

#include <latch>
#include <optional>
#include <thread>

#include "base/sync.h"
#include "net/give_way.h"
#include "net/idle_gate.h"
#include "net/test_support.h"

namespace nimbus::net {
namespace {

using std::chrono::milliseconds;

struct DeferredCall final : Deferred {
  explicit DeferredCall(std::function<void()> does) : does_(std::move(does)) {}
  void runDeferred() override { does_(); }
  std::function<void()> does_;
};

// Continues in a later turn of the shard's loop.
Task<void> nextTurn(Shard& shard) {
  Event later;
  shard.post([&later] { later.set(); });
  co_await later.wait();
}

class ShardLoopTest : public ShardTest {};

TEST_F(ShardLoopTest, PostedWorkRunsOnTheShardsThread) {
  EXPECT_EQ(Shard::current(), nullptr);
  group_->runOn(0, [&](Shard& shard) {
    EXPECT_TRUE(shard.onThread());
    EXPECT_EQ(Shard::current(), &shard);
    EXPECT_EQ(shard.index(), 0u);
  });
  EXPECT_FALSE((*group_)[0].onThread());
}

TEST_F(ShardLoopTest, WorkPostedByTheShardItselfRunsInALaterTurnInOrder) {
  run([](Shard& shard) -> Task<void> {
    std::vector<int> order;
    OneShot<bool> done;
    shard.post([&] {
      shard.post([&] {
        order.push_back(2);
        done.set(true);
      });
      order.push_back(1);
    });
    EXPECT_TRUE(order.empty());
    co_await done.wait();
    EXPECT_EQ(order, (std::vector{1, 2}));
  });
}

TEST_F(ShardLoopTest, WhoGivesWayGoesOnAfterTheOthers) {
  run([](Shard& shard) -> Task<void> {
    std::vector<int> order;
    shard.post([&] { order.push_back(1); });
    co_await GiveWay(shard);
    order.push_back(2);
    // From within deferred work: a whole turn of the others'.
    shard.post([&] { order.push_back(3); });
    co_await GiveWay(shard);
    order.push_back(4);
    EXPECT_EQ(order, (std::vector{2, 1, 3, 4}));
  });
}

TEST_F(ShardLoopTest, AWayThatIsGivenIsGivenUpWithTheTask) {
  run([](Shard& shard) -> Task<void> {
    bool went_on = false;
    {
      TaskSet tasks;
      tasks.spawn([](Shard* on, bool* flag) -> Task<void> {
        co_await GiveWay(*on);
        *flag = true;
      }(&shard, &went_on));
    }
    co_await nextTurn(shard);
    co_await nextTurn(shard);
    EXPECT_FALSE(went_on);
  });
}

TEST_F(ShardLoopTest, PostsOfManyThreadsAllArriveEachThreadsInOrder) {
  constexpr int kThreads = 8;
  constexpr int kPosts = 10'000;
  std::vector<int> next(kThreads);  // touched by the shard's thread only
  bool in_order = true;
  std::latch all(kThreads * kPosts);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int number = 0; number < kPosts; ++number) {
        (*group_)[0].post([&, thread, number] {
          in_order &= next[thread]++ == number;
          all.count_down();
        });
      }
    });
  }
  all.wait();
  for (std::thread& thread : threads) thread.join();
  group_->runOn(0, [&](Shard&) { EXPECT_TRUE(in_order); });
}

TEST_F(ShardLoopTest, APostWakesALoopThatWaits) {
  // Each round trip finds the loop idle again, or about to be: a lost wake-up would hang.
  for (int round = 0; round < 2'000; ++round) group_->runOn(0, [](Shard&) {});
}

TEST_F(ShardLoopTest, WhatAPostCapturedEndsOnTheShardsThread) {
  Shard* destroyed_on = nullptr;
  struct Witness {
    explicit Witness(Shard** into) : where(into) {}
    Witness(Witness&& other) noexcept : where(std::exchange(other.where, nullptr)) {}
    ~Witness() {
      if (where != nullptr) *where = Shard::current();
    }
    Shard** where;
  };
  group_->runOn(0, [witness = Witness(&destroyed_on)](Shard&) {});
  EXPECT_EQ(destroyed_on, &(*group_)[0]);
}

TEST_F(ShardLoopTest, DeferredItemsRunOnceAtTheEndOfTheTurnInOrder) {
  run([](Shard& shard) -> Task<void> {
    std::vector<std::string> order;
    DeferredCall first([&] { order.push_back("first"); });
    DeferredCall second([&] { order.push_back("second"); });
    shard.defer(first);
    shard.defer(second);
    shard.defer(first);  // listed already
    order.push_back("turn");
    co_await nextTurn(shard);
    EXPECT_EQ(order, (std::vector<std::string>{"turn", "first", "second"}));
  });
}

TEST_F(ShardLoopTest, AnItemDeferredByADeferredItemRunsInTheNextTurn) {
  run([](Shard& shard) -> Task<void> {
    std::vector<std::string> order;
    std::optional<DeferredCall> item;
    item.emplace([&] {
      order.push_back("deferred");
      if (order.size() < 4) shard.defer(*item);
    });
    shard.defer(*item);
    co_await nextTurn(shard);
    order.push_back("turn");
    co_await nextTurn(shard);
    order.push_back("turn");
    co_await nextTurn(shard);
    EXPECT_EQ(order,
              (std::vector<std::string>{"deferred", "turn", "deferred", "turn", "deferred"}));
  });
}

TEST_F(ShardLoopTest, ADestroyedDeferredItemDoesNotRun) {
  run([](Shard& shard) -> Task<void> {
    int ran = 0;
    DeferredCall before([&] { ran += 1; });
    std::optional<DeferredCall> destroyed;
    destroyed.emplace([&] { ran += 100; });
    DeferredCall after([&] { ran += 1; });
    shard.defer(before);
    shard.defer(*destroyed);
    shard.defer(after);
    destroyed.reset();
    co_await nextTurn(shard);
    EXPECT_EQ(ran, 2);
  });
}

TEST_F(ShardLoopTest, WorkForIdleTimesWaitsUntilThereIsNothingElse) {
  run([](Shard& shard) -> Task<void> {
    std::vector<std::string> order;
    OneShot<int> done;
    DeferredCall idle([&] {
      order.push_back("idle");
      done.set(0);
    });
    shard.deferUntilIdle(idle);
    for (int turn = 0; turn < 3; ++turn) {
      co_await nextTurn(shard);
      order.push_back("busy");
    }
    co_await done.wait();
    EXPECT_EQ(order, (std::vector<std::string>{"busy", "busy", "busy", "idle"}));
  });
}

TEST_F(ShardLoopTest, WorkForIdleTimesIsNotPutOffForEver) {
  run([](Shard& shard) -> Task<void> {
    bool ran = false;
    DeferredCall idle([&] { ran = true; });
    const TimePoint begun = shard.now();
    shard.deferUntilIdle(idle);
    while (!ran) co_await nextTurn(shard);  // never idle
    EXPECT_GE(shard.now() - begun, IdleGate::kPatience);
  });
}

TEST_F(ShardLoopTest, WorkForIdleTimesCanBeDestroyedBefore) {
  run([](Shard& shard) -> Task<void> {
    bool ran = false;
    {
      DeferredCall idle([&] { ran = true; });
      shard.deferUntilIdle(idle);
    }
    co_await shard.sleepFor(std::chrono::milliseconds(1));
    EXPECT_FALSE(ran);
  });
}

TEST_F(ShardLoopTest, ADeferredItemMayDestroyAnotherOfTheSameTurnAndItself) {
  run([](Shard& shard) -> Task<void> {
    int ran = 0;
    std::optional<DeferredCall> victim;
    std::optional<DeferredCall> killer;
    killer.emplace([&] {
      victim.reset();
      ran += 1;
      auto* counter = &ran;
      killer.reset();
      *counter += 1;
    });
    victim.emplace([&] { ran += 100; });
    shard.defer(*killer);
    shard.defer(*victim);
    co_await nextTurn(shard);
    EXPECT_EQ(ran, 2);
  });
}

TEST_F(ShardLoopTest, TimeStandsStillWithinATurnAndGoesOnWithTheNext) {
  run([](Shard& shard) -> Task<void> {
    const TimePoint start = shard.now();
    while (std::chrono::steady_clock::now() - start < milliseconds(2)) {
    }
    EXPECT_EQ(shard.now(), start);
    co_await nextTurn(shard);
    EXPECT_GE(shard.now(), start + milliseconds(2));
  });
}

TEST_F(ShardLoopTest, TimeIsFreshAfterALongWait) {
  TimePoint before;
  group_->runOn(0, [&](Shard& shard) { before = shard.now(); });
  // The loop waits meanwhile; nothing depends on it. tidy: allow sleep, it only gives it time
  std::this_thread::sleep_for(milliseconds(20));
  const TimePoint outside = std::chrono::steady_clock::now();
  group_->runOn(0, [&](Shard& shard) { EXPECT_GE(shard.now(), outside); });
  EXPECT_GE(outside, before + milliseconds(20));
}

TEST(ShardGroupTest, StartsOneShardPerCoreByDefault) {
  cpu_set_t set;
  CPU_ZERO(&set);
  ASSERT_EQ(sched_getaffinity(0, sizeof set, &set), 0);
  EXPECT_EQ((*ShardGroup::start(0))->size(), static_cast<std::size_t>(CPU_COUNT(&set)));
}

TEST(ShardGroupTest, RunsWorkOnEachShard) {
  auto group = *ShardGroup::start(3);
  std::vector<std::size_t> seen;
  group->runOnEach([&](Shard& shard) {
    EXPECT_TRUE(shard.onThread());
    seen.push_back(shard.index());
  });
  EXPECT_EQ(seen, (std::vector<std::size_t>{0, 1, 2}));
}

TEST(ShardGroupTest, PinsEachShardToOneCore) {
  auto group = *ShardGroup::start(2, ShardGroup::Pinning::kOneCoreEach);
  group->runOnEach([](Shard&) {
    cpu_set_t set;
    CPU_ZERO(&set);
    ASSERT_EQ(sched_getaffinity(0, sizeof set, &set), 0);
    EXPECT_EQ(CPU_COUNT(&set), 1);
  });
}

TEST(ShardGroupTest, RefusesAnAbsurdCount) {
  EXPECT_EQ(ShardGroup::start(100'000).error().code(), ErrorCode::kInvalidArgument);
}

TEST(ShardGroupTest, RunTaskWaitsForSuspendedTasksAndWhatTheyCaptured) {
  auto group = *ShardGroup::start(1);
  auto kept = std::make_shared<int>(0);
  group->runTask(0, [kept](Shard& shard) -> Task<void> {
    co_await shard.sleepFor(milliseconds(2));
    *kept = 1;
  });
  EXPECT_EQ(*kept, 1);
  EXPECT_EQ(kept.use_count(), 1);
}

TEST(ShardGroupTest, ShardsPostToEachOther) {
  auto group = *ShardGroup::start(2);
  group->runTask(0, [&](Shard& home) -> Task<void> {
    for (int round = 0; round < 1'000; ++round) {
      Event back;
      Shard& other = (*group)[1];
      other.post([&] { home.post([&] { back.set(); }); });
      co_await back.wait();
    }
  });
}

TEST(ShardGroupTest, StopsWithWorkStillQueued) {
  auto counter = std::make_shared<int>(0);
  {
    auto group = *ShardGroup::start(1);
    for (int number = 0; number < 1'000; ++number) {
      (*group)[0].post([counter] { *counter += 1; });
    }
  }
  EXPECT_EQ(counter.use_count(), 1);
  EXPECT_EQ(*counter, 1'000);
}

}  // namespace
}  // namespace nimbus::net
