#include "net/idle_gate.h"

#include <gtest/gtest.h>

namespace nimbus::net {
namespace {

constexpr Duration kStep = IdleGate::kQuiet / 2;

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
  pass(kStep);
  gate_.quiet(now_);
  EXPECT_EQ(gate_.left(now_), IdleGate::kQuiet - kStep);
  pass(kStep);
  EXPECT_TRUE(isOpen());
}

TEST_F(IdleGateTest, TheMomentBetweenTwoBatchesIsNoIdleness) {
  for (Duration passed{}; passed + 2 * kStep < IdleGate::kPatience; passed += kStep) {
    gate_.busy();
    gate_.quiet(now_);
    pass(kStep);
    EXPECT_FALSE(isOpen());
  }
}

TEST_F(IdleGateTest, OpensInTheEndWhateverHappens) {
  pass(IdleGate::kPatience - kStep);
  gate_.busy();
  EXPECT_EQ(gate_.left(now_), kStep);
  pass(kStep);
  gate_.busy();
  EXPECT_TRUE(isOpen());
}

TEST_F(IdleGateTest, StaysOpenForWorkThatComesAgainUntilSomethingHappens) {
  gate_.quiet(now_);
  pass(IdleGate::kQuiet);
  ASSERT_TRUE(isOpen());
  pass(IdleGate::kPatience);  // it runs
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
