#include "engine/slice_history.h"

#include <gtest/gtest.h>

namespace nimbus::engine {
namespace {

constexpr TimePoint kNow(std::chrono::hours(1));

TEST(SliceHistoryTest, OneThatComputedLongIsRemembered) {
  SliceHistory history;
  EXPECT_FALSE(history.computesLong(kNow));
  history.cutShort(SliceHistory::kLong, kNow);
  EXPECT_TRUE(history.computesLong(kNow));
  EXPECT_TRUE(SliceHistory::anyComputesLong(kNow));
  EXPECT_TRUE(history.computesLong(kNow + SliceHistory::kRemembered - Duration(1)));
  EXPECT_FALSE(history.computesLong(kNow + SliceHistory::kRemembered));
  EXPECT_FALSE(SliceHistory::anyComputesLong(kNow + SliceHistory::kRemembered));
}

TEST(SliceHistoryTest, OneThatComputedALittleLongerThanASliceIsNot) {
  SliceHistory history;
  history.cutShort(SliceHistory::kLong - Duration(1), kNow);
  EXPECT_FALSE(history.computesLong(kNow));
}

TEST(SliceHistoryTest, OtherComponentsAreNoneOfItsBusiness) {
  SliceHistory one;
  const SliceHistory other;
  one.cutShort(SliceHistory::kLong, kNow);
  EXPECT_FALSE(other.computesLong(kNow));
}

}  // namespace
}  // namespace nimbus::engine
