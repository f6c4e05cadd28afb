#include "engine/cpu_time.h"

#include <gtest/gtest.h>

namespace nimbus::engine {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

struct FakeClocks {
  static inline Duration wall_now{};
  static inline Duration cpu_now{};
  static inline int asked = 0;

  static Duration wall() { return wall_now; }
  static Duration cpu() {
    ++asked;
    return cpu_now;
  }
};

class CpuMeterTest : public ::testing::Test {
 protected:
  CpuMeterTest() {
    FakeClocks::wall_now = std::chrono::hours(1);
    FakeClocks::cpu_now = std::chrono::seconds(1);
  }

  // The thread has the core, or others have it.
  static void compute(Duration time) {
    FakeClocks::wall_now += time;
    FakeClocks::cpu_now += time;
  }
  static void wait(Duration time) { FakeClocks::wall_now += time; }

  CpuMeter<FakeClocks> meter_;
};

TEST_F(CpuMeterTest, TellsWhatWasComputed) {
  meter_.begin();
  compute(milliseconds(5));
  EXPECT_EQ(meter_.end(), milliseconds(5));
}

TEST_F(CpuMeterTest, LeavesOutWhatOthersUsed) {
  meter_.begin();
  compute(milliseconds(2));
  wait(milliseconds(7));
  EXPECT_EQ(meter_.end(), milliseconds(2));
}

TEST_F(CpuMeterTest, AsksTheSystemSeldomAboutShortWork) {
  meter_.begin();
  compute(microseconds(10));
  EXPECT_EQ(meter_.end(), microseconds(10));
  const int before = FakeClocks::asked;
  for (int i = 0; i < 100; ++i) {
    meter_.begin();
    compute(microseconds(10));
    EXPECT_EQ(meter_.end(), microseconds(10));
  }
  EXPECT_LE(FakeClocks::asked - before, 5);
}

TEST_F(CpuMeterTest, IsNeverTooLowAndTooHighByLittle) {
  // All ways in which work before, work inside and a wait inside may follow each other.
  for (const int before : {0, 50, 150, 250, 5000}) {
    for (const int inside : {1, 80, 120, 900, 5000}) {
      for (const int waited : {0, 30, 200, 10'000}) {
        compute(microseconds(before));
        meter_.begin();
        compute(microseconds(inside));
        wait(microseconds(waited));
        const Duration told = meter_.end();
        EXPECT_GE(told, microseconds(inside));
        EXPECT_LE(told, microseconds(inside) + CpuMeter<FakeClocks>::kMaxMarkAge)
            << before << " before, " << inside << " inside, " << waited << " waited";
      }
    }
  }
}

TEST(ThreadClocksTest, CpuTimeGrowsWithWorkAndNotFasterThanTheWall) {
  ThreadClocks clocks;
  CpuMeter meter;
  const auto wall = std::chrono::steady_clock::now();
  meter.begin();
  const Duration cpu = clocks.cpu();
  while (clocks.cpu() - cpu < milliseconds(2)) {
  }
  const Duration told = meter.end();
  EXPECT_GE(told, milliseconds(2) - microseconds(1)) << "the clocks differ by less";
  EXPECT_LE(told, std::chrono::steady_clock::now() - wall + microseconds(5));
}

// Spans of the clock on which the core was not taken away, as the system's clock tells.
TEST(SpanClockTest, AgreesWithTheSystemBeforeAndAfterItHasLearntThePace) {
  SpanClock clock;
  clock.align();
  const auto began = std::chrono::steady_clock::now();
  int agreed = 0;
  while (agreed < 20 || std::chrono::steady_clock::now() - began < milliseconds(15)) {
    ASSERT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(60)) << agreed;
    clock.align();
    const auto before = std::chrono::steady_clock::now();
    const Duration from = clock.now();
    while (std::chrono::steady_clock::now() - before < microseconds(150)) {
    }
    const Duration told = clock.now() - from;
    const Duration truth = std::chrono::steady_clock::now() - before;
    EXPECT_LE(told, truth + microseconds(5));
    if (truth - told <= microseconds(5)) ++agreed;  // else it lost the core between two readings
  }
}

}  // namespace
}  // namespace nimbus::engine
