#include "wash/terminal/activities.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nimbus::wash {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ActivitiesTest : public testing::Test {
 protected:
  Activities::Id work(const std::string& what) {
    return all_.begin({.what = what, .began = at(0)});
  }
  Activities::Id pull(const std::string& what, std::uint64_t first, std::uint64_t total) {
    return all_.begin(
        {.what = what, .transfer = Activities::Transfer{first, total}, .began = at(0)});
  }
  [[nodiscard]] static Activities::Clock::time_point at(int time) {
    return Activities::Clock::time_point(seconds(100 + time));
  }
  // After a second, where there is no room for a bar.
  [[nodiscard]] std::string shown() const { return all_.text(at(1), 40); }

  Activities all_;
};

TEST_F(ActivitiesTest, TheNewestIsShownAndThenWhatWentOnBefore) {
  EXPECT_EQ(shown(), "");
  const auto outer = work("Building a");
  const auto inner = work("Compiling a");
  EXPECT_EQ(shown(), "Compiling a  1 s");
  EXPECT_TRUE(all_.end(inner));
  EXPECT_EQ(shown(), "Building a  1 s");
  EXPECT_TRUE(all_.end(outer));
  EXPECT_TRUE(all_.empty());
}

TEST_F(ActivitiesTest, TransfersThatOverlapKeepTheirOwnBytes) {
  const auto first = pull("Pulling a", 0, 1000);
  const auto second = pull("Pulling b", 0, 500);
  all_.advance(first, 700);
  all_.advance(second, 100);
  EXPECT_EQ(shown(), "Pulling b  100 B of 500 B  100 B/s");
  all_.advance(first, 800);
  EXPECT_EQ(shown(), "Pulling b  100 B of 500 B  100 B/s");
  EXPECT_TRUE(all_.end(second));
  EXPECT_EQ(shown(), "Pulling a  800 B of 1000 B  800 B/s");
}

TEST_F(ActivitiesTest, WhatEndsFirstTakesNoOtherWithIt) {
  const auto first = pull("Pulling a", 0, 1000);
  const auto second = pull("Pulling b", 0, 500);
  EXPECT_FALSE(all_.end(first));
  all_.advance(first, 900);
  EXPECT_EQ(shown(), "Pulling b  0 B of 500 B  0 B/s");
  EXPECT_FALSE(all_.end(first));
  EXPECT_TRUE(all_.end(second));
  EXPECT_TRUE(all_.empty());
}

TEST_F(ActivitiesTest, TheRateIsOfWhatCameSinceItBegan) {
  const auto id = pull("Pulling a", 300, 1000);
  EXPECT_EQ(shown(), "Pulling a  300 B of 1000 B  0 B/s");
  all_.advance(id, 500);
  EXPECT_EQ(shown(), "Pulling a  500 B of 1000 B  200 B/s");
  all_.advance(id, 0);
  EXPECT_EQ(shown(), "Pulling a  0 B of 1000 B  0 B/s");
}

TEST_F(ActivitiesTest, EachIsToldOnceWhenItHasTakenSoLong) {
  all_.begin({.what = "a", .began = at(0)});
  all_.begin({.what = "told elsewhere", .is_told = true, .began = at(0)});
  all_.begin({.what = "b", .began = at(5)});
  EXPECT_THAT(all_.tell(at(-1)), IsEmpty());
  EXPECT_THAT(all_.tell(at(4)), ElementsAre("a"));
  EXPECT_THAT(all_.tell(at(5)), ElementsAre("b"));
  EXPECT_THAT(all_.tell(at(9)), IsEmpty());
}

TEST_F(ActivitiesTest, OfTheSameTextOneIsToldWhileTheyOverlap) {
  const auto all = all_.begin({.what = "Pulling a", .began = at(0)});
  const auto blob = pull("Pulling a", 0, 1000);
  EXPECT_EQ(shown(), "Pulling a  0 B of 1000 B  0 B/s");
  EXPECT_THAT(all_.tell(at(9)), ElementsAre("Pulling a"));
  all_.end(blob);
  all_.end(all);
  all_.begin({.what = "Pulling a", .began = at(10)});
  EXPECT_THAT(all_.tell(at(19)), ElementsAre("Pulling a"));
}

}  // namespace
}  // namespace nimbus::wash
