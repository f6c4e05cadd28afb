#include "host/calls/restart_pace.h"

#include <gtest/gtest.h>

namespace nimbus::host {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Cause = RestartPace::Cause;

constexpr Duration kAtOnce{};

TEST(RestartPace, DoublesUpToTheLongest) {
  RestartPace pace({.most = {}, .longest_pause = milliseconds(500)});
  for (const int expected : {100, 200, 400, 500, 500})
    EXPECT_EQ(pace.afterFailure(kAtOnce, Cause::kItself), milliseconds(expected));
}

TEST(RestartPace, BeginsAnewAfterAHealthyRun) {
  RestartPace pace({.most = 2});
  EXPECT_EQ(pace.afterFailure(kAtOnce, Cause::kItself), milliseconds(100));
  EXPECT_EQ(pace.afterFailure(seconds(59), Cause::kItself), milliseconds(200));
  EXPECT_EQ(pace.afterFailure(seconds(60), Cause::kItself), milliseconds(100));
  EXPECT_EQ(pace.afterFailure(kAtOnce, Cause::kItself), milliseconds(200));
  EXPECT_EQ(pace.afterFailure(kAtOnce, Cause::kItself), std::nullopt);
}

TEST(RestartPace, GivesUpAfterTheMostInARow) {
  RestartPace never({.most = 0});
  EXPECT_EQ(never.afterFailure(kAtOnce, Cause::kItself), std::nullopt);
  RestartPace once({.most = 1});
  EXPECT_EQ(once.afterFailure(kAtOnce, Cause::kItself), milliseconds(100));
  EXPECT_EQ(once.afterFailure(kAtOnce, Cause::kItself), std::nullopt);
}

TEST(RestartPace, DoesNotCountThatThereWasNoRoom) {
  RestartPace pace({.most = 0, .longest_pause = milliseconds(150)});
  EXPECT_EQ(pace.afterFailure(kAtOnce, Cause::kNoRoom), milliseconds(100));
  EXPECT_EQ(pace.afterFailure(kAtOnce, Cause::kNoRoom), milliseconds(150));
  EXPECT_EQ(pace.afterFailure(kAtOnce, Cause::kItself), std::nullopt);
}

TEST(RestartPace, TakesALongestPauseBelowTheFirst) {
  RestartPace pace({.most = {}, .longest_pause = milliseconds(1)});
  EXPECT_EQ(pace.afterFailure(kAtOnce, Cause::kItself), milliseconds(1));
}

}  // namespace
}  // namespace nimbus::host
