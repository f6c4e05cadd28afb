#include "base/sync.h"

#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nimbus {
namespace {

using testing::ElementsAre;

Task<void> waitAndAdd(Event& event, std::vector<int>& log, int number) {
  co_await event.wait();
  log.push_back(number);
}

TEST(Event, SetEventDoesNotSuspend) {
  Event event;
  event.set();
  std::vector<int> log;
  EXPECT_TRUE(waitAndAdd(event, log, 1).start());
}

TEST(Event, ResumesWaitersInTheOrderOfTheirWaits) {
  Event event;
  std::vector<int> log;
  auto a = waitAndAdd(event, log, 1);
  auto b = waitAndAdd(event, log, 2);
  auto c = waitAndAdd(event, log, 3);
  a.start();
  b.start();
  c.start();
  event.set();
  EXPECT_THAT(log, ElementsAre(1, 2, 3));
}

TEST(Event, ADestroyedWaiterLeavesTheList) {
  for (int gone = 0; gone < 3; ++gone) {
    Event event;
    std::vector<int> log;
    std::vector<Task<void>> tasks;
    for (int i = 0; i < 3; ++i) {
      tasks.push_back(waitAndAdd(event, log, i));
      tasks.back().start();
    }
    tasks.erase(tasks.begin() + gone);
    event.set();
    EXPECT_EQ(log.size(), 2U) << gone;
  }
}

TEST(Event, WaitersOfADestroyedEventAreNotResumed) {
  auto event = std::make_unique<Event>();
  std::vector<int> log;
  auto first = waitAndAdd(*event, log, 1);
  auto second = waitAndAdd(*event, log, 2);
  first.start();
  second.start();
  event.reset();
  EXPECT_FALSE(first.done());
  EXPECT_FALSE(second.done());
}

TEST(Event, AWaiterMayDestroyTheEvent) {
  auto event = std::make_unique<Event>();
  const auto destroy = [](std::unique_ptr<Event>& event) -> Task<void> {
    co_await event->wait();
    event.reset();
  };
  std::vector<int> log;
  auto destroyer = destroy(event);
  auto other = waitAndAdd(*event, log, 1);
  destroyer.start();
  other.start();
  event->set();
  EXPECT_EQ(event, nullptr);
  EXPECT_THAT(log, ElementsAre(1));  // it was among those that set() found
}

TEST(Event, AWaiterMayDestroyAnotherOne) {
  Event event;
  std::vector<int> log;
  std::optional<Task<void>> victim;
  const auto kill = [](Event& event, std::optional<Task<void>>& victim) -> Task<void> {
    co_await event.wait();
    victim.reset();
  };
  auto killer = kill(event, victim);
  killer.start();
  victim = waitAndAdd(event, log, 1);
  victim->start();
  auto last = waitAndAdd(event, log, 2);
  last.start();
  event.set();
  EXPECT_THAT(log, ElementsAre(2));
}

TEST(Event, AWaiterMayWaitAgain) {
  Event event;
  int rounds = 0;
  const auto loop = [](Event& event, int& rounds) -> Task<void> {
    for (;;) {
      co_await event.wait();
      event.clear();
      ++rounds;
    }
  };
  auto task = loop(event, rounds);
  task.start();
  event.set();
  event.set();
  EXPECT_EQ(rounds, 2);
}

TEST(OneShot, HandsOverAValueThatCameFirst) {
  OneShot<std::unique_ptr<int>> shot;
  shot.set(std::make_unique<int>(1));
  shot.set(std::make_unique<int>(2));
  auto task = shot.wait();
  EXPECT_TRUE(task.start());
  EXPECT_EQ(*task.take(), 1);
}

TEST(OneShot, ResumesItsWaiter) {
  OneShot<int> shot;
  auto task = shot.wait();
  EXPECT_FALSE(task.start());
  EXPECT_FALSE(shot.ready());
  shot.set(5);
  ASSERT_TRUE(task.done());
  EXPECT_EQ(task.take(), 5);
}

TEST(OneShot, ForgetsACancelledWaiter) {
  OneShot<int> shot;
  {
    auto task = shot.wait();
    task.start();
  }
  shot.set(5);
  EXPECT_TRUE(shot.ready());
}

// A parameter that tells when its frame is gone.
using Token = std::shared_ptr<int>;

Task<void> hold(Event& event, Token) { co_await event.wait(); }

TEST(TaskSet, RunsATaskAtOnceAndForgetsItWhenDone) {
  TaskSet tasks;
  Event event;
  std::vector<int> log;
  tasks.spawn(waitAndAdd(event, log, 1));
  EXPECT_EQ(tasks.size(), 1U);
  event.set();
  EXPECT_EQ(tasks.size(), 0U);
  tasks.spawn(waitAndAdd(event, log, 2));  // completes inline
  EXPECT_EQ(tasks.size(), 0U);
  EXPECT_THAT(log, ElementsAre(1, 2));
}

TEST(TaskSet, FreesTheFrameOfAFinishedTask) {
  TaskSet tasks;
  Event event;
  const Token token = std::make_shared<int>();
  tasks.spawn(hold(event, token));
  EXPECT_EQ(token.use_count(), 2);
  event.set();
  EXPECT_EQ(token.use_count(), 1);
}

TEST(TaskSet, DestructionCancelsWhatStillRuns) {
  Event event;
  const Token token = std::make_shared<int>();
  {
    TaskSet tasks;
    tasks.spawn(hold(event, token));
    tasks.spawn(hold(event, token));
  }
  EXPECT_EQ(token.use_count(), 1);
  event.set();
}

TEST(TaskSet, EmptyReturnsAtOnceWithoutTasks) {
  TaskSet tasks;
  EXPECT_TRUE(tasks.empty().start());
}

TEST(TaskSet, EmptyWaitsForTheLastTask) {
  TaskSet tasks;
  Event first;
  Event second;
  tasks.spawn(hold(first, nullptr));
  tasks.spawn(hold(second, nullptr));
  auto drained = tasks.empty();
  EXPECT_FALSE(drained.start());
  first.set();
  EXPECT_FALSE(drained.done());
  second.set();
  EXPECT_TRUE(drained.done());
}

TEST(TaskSet, EmptyReturnsOnlyAfterTheFramesAreGone) {
  TaskSet tasks;
  Event event;
  const Token token = std::make_shared<int>();
  tasks.spawn(hold(event, token));
  long seen = 0;
  const auto watch = [](TaskSet& tasks, const Token& token, long& seen) -> Task<void> {
    co_await tasks.empty();
    seen = token.use_count();
  };
  auto watcher = watch(tasks, token, seen);
  watcher.start();
  event.set();
  EXPECT_EQ(seen, 1);
}

TEST(TaskSet, CancelAllReleasesThoseWhoWaitForEmpty) {
  TaskSet tasks;
  Event event;
  tasks.spawn(hold(event, nullptr));
  auto drained = tasks.empty();
  EXPECT_FALSE(drained.start());
  tasks.cancelAll();
  EXPECT_TRUE(drained.done());
  EXPECT_EQ(tasks.size(), 0U);
}

TEST(TaskSet, DestructionDoesNotResumeThoseWhoWaitForEmpty) {
  auto tasks = std::make_unique<TaskSet>();
  Event event;
  tasks->spawn(hold(event, nullptr));
  auto drained = tasks->empty();
  drained.start();
  tasks.reset();
  EXPECT_FALSE(drained.done());
}

TEST(TaskSet, AWaiterForEmptyMayDestroyTheSet) {
  auto tasks = std::make_unique<TaskSet>();
  Event event;
  tasks->spawn(hold(event, nullptr));
  const auto end = [](std::unique_ptr<TaskSet>& tasks) -> Task<void> {
    co_await tasks->empty();
    tasks.reset();
  };
  auto ender = end(tasks);
  ender.start();
  event.set();
  EXPECT_EQ(tasks, nullptr);
}

TEST(TaskSet, ATaskMaySpawnAnother) {
  TaskSet tasks;
  Event event;
  const auto parent = [](TaskSet& tasks, Event& event) -> Task<void> {
    tasks.spawn(hold(event, nullptr));
    co_return;
  };
  tasks.spawn(parent(tasks, event));
  EXPECT_EQ(tasks.size(), 1U);
  event.set();
  EXPECT_EQ(tasks.size(), 0U);
}

// The owner of a set, kept alive by the set's own tasks as a connection is by its requests.
struct Session {
  TaskSet tasks;
  Event event;

  static Task<void> serve(std::shared_ptr<Session> self) { co_await self->event.wait(); }
};

TEST(TaskSet, TheLastTaskMayEndTheOwnerOfTheSet) {
  auto session = std::make_shared<Session>();
  const std::weak_ptr<Session> alive = session;
  session->tasks.spawn(Session::serve(session));
  Event* event = &session->event;
  session.reset();
  ASSERT_FALSE(alive.expired());
  event->set();
  EXPECT_TRUE(alive.expired());
}

TEST(TaskSet, ATaskThatCompletesInlineMayEndTheOwnerOfTheSet) {
  auto session = std::make_shared<Session>();
  const std::weak_ptr<Session> alive = session;
  session->event.set();
  Session& raw = *session;
  raw.tasks.spawn(Session::serve(std::move(session)));
  EXPECT_TRUE(alive.expired());
}

TEST(TaskSet, CancelAllMayEndTheOwnerOfTheSet) {
  auto session = std::make_shared<Session>();
  const std::weak_ptr<Session> alive = session;
  Session& raw = *session;
  raw.tasks.spawn(Session::serve(session));
  raw.tasks.spawn(Session::serve(std::move(session)));
  raw.tasks.cancelAll();
  EXPECT_TRUE(alive.expired());
}

// Runs a function when it is destroyed, as a frame's clean-up does.
struct AtEnd {
  std::function<void()> run;
  explicit AtEnd(std::function<void()> what) : run(std::move(what)) {}
  AtEnd(AtEnd&& other) noexcept : run(std::exchange(other.run, nullptr)) {}
  AtEnd& operator=(AtEnd&&) = delete;
  ~AtEnd() {
    if (run) run();
  }
};

Task<void> waitThenCleanUp(Event& event, AtEnd) { co_await event.wait(); }

TEST(TaskSet, CleanUpMayCancelTheOthers) {
  TaskSet tasks;
  Event event;
  Event other;
  tasks.spawn(hold(other, nullptr));
  tasks.spawn(waitThenCleanUp(event, AtEnd([&tasks] { tasks.cancelAll(); })));
  auto drained = tasks.empty();
  drained.start();
  event.set();
  EXPECT_EQ(tasks.size(), 0U);
  EXPECT_TRUE(drained.done());
}

TEST(TaskSet, CancelAllAlsoCancelsWhatCleanUpSpawns) {
  TaskSet tasks;
  Event event;
  const Token token = std::make_shared<int>();
  tasks.spawn(waitThenCleanUp(event, AtEnd([&] { tasks.spawn(hold(event, token)); })));
  tasks.cancelAll();
  EXPECT_EQ(tasks.size(), 0U);
  EXPECT_EQ(token.use_count(), 1);
}

TEST(TaskSet, CleanUpOfOneTaskMayCompleteAnother) {
  TaskSet tasks;
  Event first;
  Event second;
  tasks.spawn(hold(second, nullptr));
  tasks.spawn(waitThenCleanUp(first, AtEnd([&second] { second.set(); })));
  auto drained = tasks.empty();
  drained.start();
  first.set();
  EXPECT_EQ(tasks.size(), 0U);
  EXPECT_TRUE(drained.done());
}

}  // namespace
}  // namespace nimbus
