#include "wash/run/late_end.h"

#include <unistd.h>

#include <gtest/gtest.h>

namespace nimbus::wash {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using testing::ExitedWithCode;

[[noreturn]] void stayForEver() {
  while (true) ::pause();
}

TEST(LateEndTest, ACommandThatEndsInTimeIsLeftAlone) {
  int told = 0;
  {
    const LateEnd late(hours(1), [&told] { return ++told; });
  }
  EXPECT_EQ(told, 0);
}

TEST(LateEndDeathTest, OneThatStillStandsEndsWithTheStatusOfWhatWasTold) {
  const auto stands = [] {
    const LateEnd late(milliseconds(1), [] { return 7; });
    stayForEver();
  };
  EXPECT_EXIT(stands(), ExitedWithCode(7), "");
}

TEST(LateEndDeathTest, SoDoesOneWhereNobodyTakesWhatIsTold) {
  const auto stands = [] {
    const LateEnd late(milliseconds(1), []() -> int { stayForEver(); });
    stayForEver();
  };
  EXPECT_EXIT(stands(), ExitedWithCode(1), "");
}

}  // namespace
}  // namespace nimbus::wash
