#include "wrpc/measuring_budget.h"

#include <gtest/gtest.h>

namespace nimbus::wrpc {
namespace {

constexpr std::size_t kMebi = 1024 * 1024;

// What measuring costs if a sender gives so many bytes in pieces of that size.
std::size_t costOf(std::size_t bytes, std::size_t piece) {
  MeasuringBudget budget(16 * kMebi);
  std::size_t cost = 0;
  for (std::size_t size = piece; size <= bytes; size += piece) {
    if (!budget.isEager(size)) continue;
    EXPECT_TRUE(budget.spend(size));
    cost += size;
  }
  return cost;
}

TEST(MeasuringBudget, LooksAfterEveryPieceWhileThereAreFew) {
  EXPECT_EQ(costOf(4 * kMebi, kMebi), 10 * kMebi);
  EXPECT_EQ(costOf(100, 1), 5050U);
}

TEST(MeasuringBudget, CostsNoMoreThanManyTimesTheBytes) {
  EXPECT_LE(costOf(kMebi, 1), 18 * kMebi);
  EXPECT_LE(costOf(2 * kMebi, 1), 2 * 18 * kMebi);  // and not four times as much
}

TEST(MeasuringBudget, HasAnEndForWhoeverLooksAllTheSame) {
  MeasuringBudget budget(kMebi);
  std::size_t times = 0;
  while (budget.spend(kMebi)) ++times;
  EXPECT_EQ(times, 32U + 4);
}

TEST(MeasuringBudget, LeavesOverALastLookAtAsMuchAsMayCome) {
  for (const std::size_t max_bytes : {10U, 1000U, 20'000U, 1'000'000U}) {
    MeasuringBudget budget(max_bytes);
    for (std::size_t size = 1; size <= max_bytes; ++size) {
      if (budget.isEager(size)) ASSERT_TRUE(budget.spend(size)) << size;
    }
    EXPECT_TRUE(budget.spend(max_bytes)) << max_bytes;
  }
}

// Who lets each byte be looked at on its own is refused long before it has cost that much.
TEST(MeasuringBudget, HasAnEarlierOneForWhoeverSendsAByteAtATime) {
  MeasuringBudget budget(16 * kMebi);
  std::size_t bytes = 0;
  std::size_t cost = 0;
  while (budget.spend(++bytes)) cost += bytes;
  EXPECT_GT(bytes, 2000U);
  EXPECT_LT(cost, 16 * kMebi);
}

}  // namespace
}  // namespace nimbus::wrpc
