#include "net/idle_gate.h"

#include <gtest/gtest.h>

namespace nimbus::net {
namespace {

using std::chrono::milliseconds;

class IdleGateTest : public ::testing::Test {
 protected:
  IdleGateTest() { gate_.workCame(now_); }
  void pass(Duration time) { now_ += time; }
  [[nodiscard]] bool isOpen() const { return gate_.left(now_) == Duration::zero(); }

  TimePoint now_ = TimePoint(std::chrono::seconds(5));
  IdleGate gate_;
};

TEST_F(IdleGateTest, OpensWhenNothingHasHappenedForAWhile) {
  gate_.quiet(now_);
  EXPECT_EQ(gate_.left(now_), IdleGate::kQuiet);
  pass(milliseconds(1));
  gate_.quiet(now_);
  EXPECT_EQ(gate_.left(now_), IdleGate::kQuiet - milliseconds(1));
  pass(milliseconds(1));
  EXPECT_TRUE(isOpen());
}

TEST_F(IdleGateTest, TheMomentBetweenTwoBatchesIsNoIdleness) {
  for (int batch = 0; batch < 40; ++batch) {
    gate_.busy();
    gate_.quiet(now_);
    pass(milliseconds(1));
    EXPECT_FALSE(isOpen());
    pass(milliseconds(1));
  }
}

TEST_F(IdleGateTest, OpensInTheEndWhateverHappens) {
  pass(IdleGate::kPatience - milliseconds(1));
  gate_.busy();
  EXPECT_EQ(gate_.left(now_), milliseconds(1));
  pass(milliseconds(1));
  gate_.busy();
  EXPECT_TRUE(isOpen());
}

TEST_F(IdleGateTest, StaysOpenForWorkThatComesAgainUntilSomethingHappens) {
  gate_.quiet(now_);
  pass(IdleGate::kQuiet);
  ASSERT_TRUE(isOpen());
  pass(milliseconds(5));  // it runs
  gate_.workCame(now_);
  gate_.quiet(now_);
  EXPECT_TRUE(isOpen());
  gate_.busy();
  EXPECT_FALSE(isOpen());
  gate_.quiet(now_);
  EXPECT_EQ(gate_.left(now_), IdleGate::kQuiet);
}

}  // namespace
}  // namespace nimbus::net
