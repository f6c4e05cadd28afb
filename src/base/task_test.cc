#include "base/task.h"

#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/sync.h"

namespace nimbus {
namespace {

using testing::ElementsAre;

// Writes its name down when it is destroyed.
class Trace {
 public:
  Trace(std::vector<std::string>& log, std::string name) : log_(&log), name_(std::move(name)) {}
  Trace(Trace&& other) noexcept : log_(std::exchange(other.log_, nullptr)), name_(other.name_) {}
  Trace& operator=(Trace&&) = delete;
  ~Trace() {
    if (log_ != nullptr) log_->push_back(name_);
  }

 private:
  std::vector<std::string>* log_;
  std::string name_;
};

Task<int> answer(bool& ran) {
  ran = true;
  co_return 42;
}

Task<int> sum(Event& event, int a, int b) {
  co_await event.wait();
  co_return a + b;
}

Task<std::unique_ptr<int>> boxed(int value) { co_return std::make_unique<int>(value); }

TEST(Task, RunsOnlyWhenStarted) {
  bool ran = false;
  auto task = answer(ran);
  EXPECT_FALSE(ran);
  EXPECT_TRUE(task.start());
  EXPECT_EQ(task.take(), 42);
}

TEST(Task, UnstartedTaskReleasesItsParameters) {
  std::vector<std::string> log;
  {
    const auto hold = [](Trace) -> Task<void> { co_return; };
    auto task = hold(Trace(log, "parameter"));
  }
  EXPECT_THAT(log, ElementsAre("parameter"));
}

TEST(Task, ResumesItsCallerWithTheValue) {
  Event event;
  int result = 0;
  const auto run = [](Event& event, int& result) -> Task<void> {
    result = co_await sum(event, 2, 3);
  };
  auto task = run(event, result);
  EXPECT_FALSE(task.start());
  EXPECT_EQ(result, 0);
  event.set();
  EXPECT_TRUE(task.done());
  EXPECT_EQ(result, 5);
}

TEST(Task, CarriesMoveOnlyValues) {
  const auto run = []() -> Task<int> { co_return *co_await boxed(7); };
  auto task = run();
  EXPECT_TRUE(task.start());
  EXPECT_EQ(task.take(), 7);
}

Task<void> inner(Event& event, std::vector<std::string>& log, Trace) {
  const Trace local(log, "inner local");
  co_await event.wait();
  log.emplace_back("resumed");
}

Task<void> outer(Event& event, std::vector<std::string>& log) {
  const Trace local(log, "outer local");
  co_await inner(event, log, Trace(log, "inner parameter"));
}

// `inner` lies inside the frame of `outer` (coro_await_elidable): each local must go exactly once.
TEST(Task, DestroyingASuspendedTaskUnwindsTheWholeChain) {
  Event event;
  std::vector<std::string> log;
  {
    auto task = outer(event, log);
    EXPECT_FALSE(task.start());
  }
  EXPECT_THAT(log, ElementsAre("inner local", "inner parameter", "outer local"));
  event.set();  // nobody is left to resume
  EXPECT_EQ(log.size(), 3U);
}

TEST(Task, DestroyingUnwindsAHeldChildAsWell) {
  Event event;
  std::vector<std::string> log;
  const auto hold = [](Event& event, std::vector<std::string>& log) -> Task<void> {
    Task<void> child = inner(event, log, Trace(log, "inner parameter"));
    co_await std::move(child);
  };
  {
    auto task = hold(event, log);
    EXPECT_FALSE(task.start());
  }
  EXPECT_THAT(log, ElementsAre("inner local", "inner parameter"));
}

Task<int> pickBranch(Event& event, bool first) {
  const int picked = first ? co_await sum(event, 1, 1) : co_await sum(event, 2, 2);
  if (co_await sum(event, picked, 0) > 3 && co_await sum(event, 1, 0) == 1) co_return picked * 10;
  co_return picked;
}

TEST(Task, BranchesMayAwait) {
  for (const bool first : {true, false}) {
    Event event;
    auto task = pickBranch(event, first);
    EXPECT_FALSE(task.start());
    event.set();
    ASSERT_TRUE(task.done());
    EXPECT_EQ(task.take(), first ? 2 : 40);
  }
}

TEST(Task, BranchesMayBeCancelled) {
  for (const bool first : {true, false}) {
    Event event;
    auto task = pickBranch(event, first);
    EXPECT_FALSE(task.start());
  }
}

Task<int> countDown(int depth) {
  if (depth == 0) co_return 0;
  co_return 1 + co_await countDown(depth - 1);
}

TEST(Task, ManyCompletionsInARowDoNotGrowTheStack) {
  const auto run = []() -> Task<int> {
    int total = 0;
    for (int i = 0; i < 100'000; ++i) total += co_await countDown(1);
    co_return total;
  };
  auto task = run();
  EXPECT_TRUE(task.start());
  EXPECT_EQ(task.take(), 100'000);
}

TEST(Task, DeepChainsReturnWithoutGrowingTheStack) {
  auto task = countDown(10'000);
  EXPECT_TRUE(task.start());
  EXPECT_EQ(task.take(), 10'000);
}

TEST(Task, AssignmentCancelsTheOldTask) {
  Event event;
  std::vector<std::string> log;
  auto task = outer(event, log);
  EXPECT_FALSE(task.start());
  task = outer(event, log);
  EXPECT_EQ(log.size(), 3U);
  EXPECT_FALSE(task.done());
}

TEST(Task, SelfAssignmentKeepsTheTask) {
  bool ran = false;
  auto task = answer(ran);
  Task<int>& same = task;
  task = std::move(same);
  EXPECT_TRUE(task.start());
}

TEST(Task, MovedFromIsNotDone) {
  bool ran = false;
  auto task = answer(ran);
  auto moved = std::move(task);
  EXPECT_TRUE(moved.start());
  EXPECT_TRUE(moved.done());
  EXPECT_FALSE(task.done());
}

}  // namespace
}  // namespace nimbus
