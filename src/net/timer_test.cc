#include <algorithm>
#include <optional>
#include <random>

#include "base/sync.h"
#include "net/test_support.h"
#include "net/timer_heap.h"

namespace nimbus::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Recorder final : TimerNode {
  explicit Recorder(std::function<void()> does = {}) : does_(std::move(does)) {}
  void fire() override {
    fired += 1;
    if (does_) does_();
  }
  int fired = 0;

 private:
  std::function<void()> does_;
};

// The heap is told the time, so nothing here waits.
class TimerHeapTest : public ::testing::Test {
 protected:
  static TimePoint at(int ms) { return TimePoint{} + milliseconds(ms); }
  TimerHeap heap_;
};

TEST_F(TimerHeapTest, FiresOnceWhenDueAndNotBefore) {
  Recorder timer;
  heap_.arm(timer, at(10));
  heap_.fireDue(at(9));
  EXPECT_EQ(timer.fired, 0);
  heap_.fireDue(at(10));
  heap_.fireDue(at(11));
  EXPECT_EQ(timer.fired, 1);
  EXPECT_TRUE(heap_.empty());
}

TEST_F(TimerHeapTest, ATimerMovedLaterIsSortedInOnlyWhenItsOldTimeComes) {
  Recorder timer;
  heap_.arm(timer, at(10));
  heap_.arm(timer, at(30));
  EXPECT_EQ(heap_.next(), at(10));
  heap_.fireDue(at(10));
  EXPECT_EQ(timer.fired, 0);
  EXPECT_EQ(heap_.next(), at(30));
  heap_.fireDue(at(30));
  EXPECT_EQ(timer.fired, 1);
}

TEST_F(TimerHeapTest, ATimerMovedEarlierFiresEarlier) {
  Recorder timer;
  heap_.arm(timer, at(30));
  heap_.arm(timer, at(10));
  heap_.fireDue(at(10));
  EXPECT_EQ(timer.fired, 1);
  heap_.fireDue(at(30));
  EXPECT_EQ(timer.fired, 1);
}

TEST_F(TimerHeapTest, ADisarmedTimerDoesNotFireAndCanBeArmedAgain) {
  Recorder timer;
  heap_.arm(timer, at(10));
  heap_.disarm(timer);
  heap_.fireDue(at(10));
  EXPECT_EQ(timer.fired, 0);
  EXPECT_TRUE(heap_.empty());
  heap_.arm(timer, at(10));
  heap_.disarm(timer);
  heap_.arm(timer, at(20));
  heap_.fireDue(at(15));
  EXPECT_EQ(timer.fired, 0);
  heap_.fireDue(at(20));
  EXPECT_EQ(timer.fired, 1);
}

TEST_F(TimerHeapTest, ATimerThatArmsItselfForNowWaitsForTheNextCall) {
  Recorder* self = nullptr;
  Recorder timer([&] { heap_.arm(*self, at(10)); });
  self = &timer;
  heap_.arm(timer, at(10));
  heap_.fireDue(at(10));
  EXPECT_EQ(timer.fired, 1);
  heap_.fireDue(at(10));
  EXPECT_EQ(timer.fired, 2);
  heap_.remove(timer);
}

TEST_F(TimerHeapTest, ATimerMayRemoveAnotherThatIsDueToo) {
  Recorder second;
  Recorder first([&] { heap_.remove(second); });
  heap_.arm(first, at(10));
  heap_.arm(second, at(11));
  heap_.fireDue(at(20));
  EXPECT_EQ(first.fired, 1);
  EXPECT_EQ(second.fired, 0);
}

TEST_F(TimerHeapTest, ThousandsOfTimersFireInOrderWhileOthersComeAndGo) {
  constexpr int kCount = 20'000;
  std::mt19937 random(4711);
  std::vector<std::unique_ptr<Recorder>> timers;
  std::vector<int> due(kCount);
  std::vector<int> order;
  for (int index = 0; index < kCount; ++index) {
    timers.push_back(std::make_unique<Recorder>([&order, index] { order.push_back(index); }));
    heap_.arm(*timers[index], at(due[index] = static_cast<int>(random() % 10'000)));
  }
  std::vector<bool> removed(kCount);
  for (int change = 0; change < kCount; ++change) {
    const int index = static_cast<int>(random() % kCount);
    if (removed[index]) continue;
    if (change % 3 == 0) {
      removed[index] = true;
      heap_.remove(*timers[index]);
    } else {
      heap_.arm(*timers[index], at(due[index] = static_cast<int>(random() % 10'000)));
    }
  }
  for (int now = 0; now < 10'000; now += 7) heap_.fireDue(at(now));
  heap_.fireDue(at(10'000));
  EXPECT_EQ(order.size(), static_cast<std::size_t>(std::ranges::count(removed, false)));
  EXPECT_TRUE(std::ranges::none_of(order, [&](int index) { return removed[index]; }));
  // One call fires what became due since the last, 7 ms before.
  for (std::size_t at = 1; at < order.size(); ++at) {
    ASSERT_GE(due[order[at]] + 7, due[order[at - 1]]);
  }
}

class TimerTest : public ShardTest {};

TEST_F(TimerTest, CallsBackOnTheShardAfterItsTime) {
  run([](Shard& shard) -> Task<void> {
    OneShot<TimePoint> fired;
    const TimePoint due = shard.now() + milliseconds(5);
    Timer timer(shard, [&] {
      EXPECT_TRUE(shard.onThread());
      fired.set(shard.now());
    });
    timer.armAt(due);
    EXPECT_GE(co_await fired.wait(), due);
  });
}

TEST_F(TimerTest, APushedBackTimerFiresAtTheLastTimeOnly) {
  run([](Shard& shard) -> Task<void> {
    OneShot<TimePoint> fired;
    int count = 0;
    Timer timer(shard, [&] {
      count += 1;
      fired.set(shard.now());
    });
    const TimePoint start = shard.now();
    for (int ms = 1; ms <= 20; ++ms) timer.armAt(start + milliseconds(ms));
    EXPECT_GE(co_await fired.wait(), start + milliseconds(20));
    EXPECT_EQ(count, 1);
  });
}

TEST_F(TimerTest, MayBeDestroyedByItsOwnCallback) {
  run([](Shard& shard) -> Task<void> {
    OneShot<std::string> fired;
    std::optional<Timer> timer;
    timer.emplace(shard, [&timer, &fired, text = std::string(100, 'x')] {
      timer.reset();
      fired.set(text);  // its captures still live
    });
    timer->armAfter(milliseconds(1));
    EXPECT_EQ((co_await fired.wait()).size(), 100u);
  });
}

TEST_F(TimerTest, MayBeArmedAgainByItsOwnCallback) {
  run([](Shard& shard) -> Task<void> {
    OneShot<int> done;
    int count = 0;
    std::optional<Timer> timer;
    timer.emplace(shard, [&] {
      if (++count == 3) return done.set(count);
      timer->armAfter(Duration::zero());
    });
    timer->armAfter(milliseconds(1));
    EXPECT_EQ(co_await done.wait(), 3);
  });
}

TEST_F(TimerTest, ADestroyedTimerDoesNotFire) {
  run([](Shard& shard) -> Task<void> {
    bool fired = false;
    {
      Timer timer(shard, [&] { fired = true; });
      timer.armAfter(milliseconds(1));
    }
    co_await shard.sleepFor(milliseconds(5));
    EXPECT_FALSE(fired);
  });
}

TEST_F(TimerTest, SleepersWakeInTheOrderOfTheirTimes) {
  run([](Shard& shard) -> Task<void> {
    std::vector<int> order;
    TaskSet tasks;
    const auto sleeper = [](Shard& on, int ms, std::vector<int>& into) -> Task<void> {
      co_await on.sleepFor(milliseconds(ms));
      into.push_back(ms);
    };
    for (int ms : {9, 3, 6, 1}) tasks.spawn(sleeper(shard, ms, order));
    co_await tasks.empty();
    EXPECT_EQ(order, (std::vector{1, 3, 6, 9}));
  });
}

TEST_F(TimerTest, DestroyingASleeperCancelsItsTimer) {
  run([](Shard& shard) -> Task<void> {
    bool woke = false;
    const auto sleeper = [](Shard& on, bool& flag) -> Task<void> {
      co_await on.sleepFor(milliseconds(2));
      flag = true;
    };
    {
      Task<void> task = sleeper(shard, woke);
      EXPECT_FALSE(task.start());
    }
    co_await shard.sleepFor(milliseconds(6));
    EXPECT_FALSE(woke);
  });
}

}  // namespace
}  // namespace nimbus::net
