#include "engine/tick_pace.h"

#include <gtest/gtest.h>

namespace nimbus::engine {
namespace {

constexpr TimePoint kStart(std::chrono::seconds(5));

TEST(TickPaceTest, TakesItsTimeWhileNobodyIsCutShort) {
  TickPace pace;
  EXPECT_EQ(pace.next(false, kStart), TickPace::kSlice);
  EXPECT_EQ(pace.next(false, kStart + TickPace::kSlice), TickPace::kSlice);
  EXPECT_EQ(pace.sliceTicks(), 2) << "the first may come as soon as a guest has begun";
}

TEST(TickPaceTest, HurriesUntilNobodyWasCutShortForAWhile) {
  TickPace pace;
  EXPECT_EQ(pace.next(true, kStart), TickPace::kHurried);
  EXPECT_EQ((pace.sliceTicks() - 1) * TickPace::kHurried, TickPace::kSlice);
  TimePoint now = kStart + TickPace::kCalmAfter - TickPace::kHurried;
  EXPECT_EQ(pace.next(false, now), TickPace::kHurried);
  EXPECT_EQ(pace.next(true, now), TickPace::kHurried);
  now += TickPace::kCalmAfter - TickPace::kHurried;
  EXPECT_EQ(pace.next(false, now), TickPace::kHurried);
  EXPECT_EQ(pace.next(false, now + TickPace::kHurried), TickPace::kSlice);
  EXPECT_EQ(pace.sliceTicks(), 2) << "the first may come as soon as a guest has begun";
}

}  // namespace
}  // namespace nimbus::engine
