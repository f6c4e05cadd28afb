#include "engine/ticker.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <future>

namespace nimbus::engine {
namespace {

using std::chrono::microseconds;

constexpr std::chrono::seconds kPatience{60};

TEST(TickerTest, TicksAgainAndAgainAsItIsTold) {
  std::promise<void> third;
  int ticks = 0;
  Ticker ticker(microseconds(1), [&]() -> Duration {
    if (++ticks == 3) third.set_value();
    return ticks < 3 ? Duration(microseconds(1)) : Duration(std::chrono::hours(1));
  });
  EXPECT_EQ(third.get_future().wait_for(kPatience), std::future_status::ready);
}

TEST(TickerTest, EndsWithoutWaitingForItsNextTick) {
  const Ticker ticker(std::chrono::hours(1), [] { return Duration(std::chrono::hours(1)); });
}

// The length of a turn that the calling thread asked the kernel for; 0: none, or not told.
std::uint64_t turnOfThisThread() {
  std::array<char, 48> attributes{};
  if (::syscall(SYS_sched_getattr, 0, attributes.data(), attributes.size(), 0) != 0) return 0;
  std::uint64_t runtime = 0;
  std::memcpy(&runtime, attributes.data() + 24, sizeof runtime);
  return runtime;
}

bool kernelHasTurns() {
  utsname name{};
  int major = 0;
  int minor = 0;
  if (::uname(&name) != 0 || std::sscanf(name.release, "%d.%d", &major, &minor) != 2) return false;
  return major > 6 || (major == 6 && minor >= 12);
}

TEST(TickerTest, TakesTheCoreFromAGuestThatComputes) {
  std::promise<std::uint64_t> turn;
  bool told = false;
  const Ticker ticker(microseconds(1), [&]() -> Duration {
    if (!told) turn.set_value(turnOfThisThread());
    told = true;
    return std::chrono::hours(1);
  });
  std::future<std::uint64_t> told_turn = turn.get_future();
  ASSERT_EQ(told_turn.wait_for(kPatience), std::future_status::ready);
  const std::uint64_t found = told_turn.get();
  if (!kernelHasTurns() || turnOfThisThread() == 0) {
    GTEST_SKIP() << "this kernel gives no thread turns of its own";
  }
  EXPECT_EQ(found, 100'000U);
}

}  // namespace
}  // namespace nimbus::engine
