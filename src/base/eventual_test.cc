#include "base/eventual.h"

#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "base/result.h"
#include "base/sync.h"

namespace nimbus {
namespace {

using Answer = Eventual<Result<std::string>>;

Task<Result<std::string>> after(Event& event, std::string text) {
  co_await event.wait();
  co_return text;
}

Answer fromTask(Event& event) { return after(event, "later"); }

Answer coroutine(Event& event, std::shared_ptr<int> held) {
  co_await event.wait();
  if (*held < 0) co_return fail(ErrorCode::kNotFound, "negative");
  co_return std::to_string(*held);
}

Task<std::string> describe(Answer answer) {
  const Result<std::string> result = co_await std::move(answer);
  co_return result ? *result : result.error().message();
}

std::string now(Answer answer) {
  Task<std::string> task = describe(std::move(answer));
  EXPECT_TRUE(task.start());
  return task.take();
}

TEST(Eventual, HoldsAValueThatIsThere) {
  Answer answer = std::string("at once");
  ASSERT_TRUE(answer.ready());
  EXPECT_EQ(answer.take().value(), "at once");
}

TEST(Eventual, IsMadeOfWhateverConvertsToItsValue) {
  EXPECT_EQ(now("literal"), "literal");
  EXPECT_EQ(now(fail(ErrorCode::kNotFound, "gone")), "gone");
  EXPECT_EQ(now(Result<std::string>("result")), "result");
}

TEST(Eventual, AwaitingAReadyOneNeverSuspends) { EXPECT_EQ(now(std::string("x")), "x"); }

TEST(Eventual, DeliversWhatATaskReturns) {
  Event event;
  Task<std::string> task = describe(fromTask(event));
  EXPECT_FALSE(task.start());
  event.set();
  ASSERT_TRUE(task.done());
  EXPECT_EQ(task.take(), "later");
}

TEST(Eventual, MayBeACoroutineItself) {
  Event event;
  Answer answer = coroutine(event, std::make_shared<int>(7));
  EXPECT_FALSE(answer.ready());
  Task<std::string> task = describe(std::move(answer));
  EXPECT_FALSE(task.start());
  event.set();
  EXPECT_EQ(task.take(), "7");

  Task<std::string> failed = describe(coroutine(event, std::make_shared<int>(-1)));
  EXPECT_TRUE(failed.start());
  EXPECT_EQ(failed.take(), "negative");
}

TEST(Eventual, DestroyingItCancelsTheTask) {
  Event event;
  const auto held = std::make_shared<int>(1);
  {
    const Answer never_started = coroutine(event, held);
    Task<Result<std::string>> waiting = coroutine(event, held).intoTask();
    EXPECT_FALSE(waiting.start());
    EXPECT_EQ(held.use_count(), 3);
  }
  EXPECT_EQ(held.use_count(), 1);
  event.set();  // nobody waits
}

TEST(Eventual, BecomesATaskInBothStates) {
  Task<Result<std::string>> ready = Answer(std::string("there")).intoTask();
  EXPECT_TRUE(ready.start());
  EXPECT_EQ(ready.take().value(), "there");

  Event event;
  Task<Result<std::string>> later = fromTask(event).intoTask();
  EXPECT_FALSE(later.start());
  event.set();
  EXPECT_EQ(later.take().value(), "later");
}

TEST(Eventual, CarriesValuesThatOnlyMove) {
  Eventual<std::unique_ptr<int>> eventual = std::make_unique<int>(5);
  const auto unwrap = [](Eventual<std::unique_ptr<int>> boxed) -> Task<int> {
    const std::unique_ptr<int> value = co_await std::move(boxed);
    co_return *value;
  };
  Task<int> task = unwrap(std::move(eventual));
  EXPECT_TRUE(task.start());
  EXPECT_EQ(task.take(), 5);
}

}  // namespace
}  // namespace nimbus
