#include "base/race.h"

#include <memory>

#include <gtest/gtest.h>

namespace nimbus {
namespace {

using Token = std::shared_ptr<int>;

Task<void> waitFor(Event& event, Token) { co_await event.wait(); }

class RaceTest : public testing::Test {
 protected:
  Task<Raced> raced() { return race(waitFor(work_, working_), waitFor(time_, waiting_)); }
  [[nodiscard]] bool framesGone() const {
    return working_.use_count() == 1 && waiting_.use_count() == 1;
  }

  Event work_;
  Event time_;
  Token working_ = std::make_shared<int>();
  Token waiting_ = std::make_shared<int>();
};

TEST_F(RaceTest, TheTaskWinsAndTheTimeoutIsCancelled) {
  auto task = raced();
  EXPECT_FALSE(task.start());
  work_.set();
  ASSERT_TRUE(task.done());
  EXPECT_EQ(task.take(), Raced::kFinished);
  EXPECT_TRUE(framesGone());
}

TEST_F(RaceTest, TheTimeoutWinsAndTheTaskIsCancelled) {
  auto task = raced();
  EXPECT_FALSE(task.start());
  time_.set();
  ASSERT_TRUE(task.done());
  EXPECT_EQ(task.take(), Raced::kTimedOut);
  EXPECT_TRUE(framesGone());
}

TEST_F(RaceTest, ATaskThatIsReadyWinsWithoutSuspending) {
  work_.set();
  time_.set();
  auto task = raced();
  ASSERT_TRUE(task.start());
  EXPECT_EQ(task.take(), Raced::kFinished);
}

TEST_F(RaceTest, ATimeoutThatHasPassedCancelsAWaitingTask) {
  time_.set();
  auto task = raced();
  ASSERT_TRUE(task.start());
  EXPECT_EQ(task.take(), Raced::kTimedOut);
  EXPECT_TRUE(framesGone());
}

TEST_F(RaceTest, CancellingTheRaceCancelsBoth) {
  {
    auto task = raced();
    EXPECT_FALSE(task.start());
  }
  EXPECT_TRUE(framesGone());
  work_.set();
  time_.set();
}

TEST_F(RaceTest, WithTimeoutReturnsEitherWay) {
  auto task = withTimeout(waitFor(work_, working_), waitFor(time_, waiting_));
  EXPECT_FALSE(task.start());
  time_.set();
  EXPECT_TRUE(task.done());
}

}  // namespace
}  // namespace nimbus
