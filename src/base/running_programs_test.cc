#include "base/running_programs.h"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include <gtest/gtest.h>

#include "base/process.h"

namespace nimbus {
namespace {

// What runs in the child: starts a program, says its number, and is interrupted.
void startAndGetSignal(int say, int signal) {
  endProgramsOnSignals();
  SystemProcessRunner runner;
  // Its own child shares its group.
  const auto program = runner.start({.arguments = {"/bin/sh", "-c", "sleep 1000 & wait"}});
  if (!program) ::_exit(1);
  const pid_t pid = (*program)->pid();
  if (::write(say, &pid, sizeof pid) != sizeof pid) ::_exit(1);
  ::raise(signal);
}

class RunningProgramsTest : public ::testing::TestWithParam<int> {};

TEST_P(RunningProgramsTest, EndWithTheSignalThatEndsThisProcess) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  EXPECT_EXIT(startAndGetSignal(pipe[1], GetParam()), ::testing::KilledBySignal(GetParam()), "");
  pid_t pid = 0;
  ASSERT_EQ(::read(pipe[0], &pid, sizeof pid), static_cast<ssize_t>(sizeof pid));
  EXPECT_EQ(::kill(pid, 0), -1);
  EXPECT_EQ(errno, ESRCH);
  ::close(pipe[0]);
  ::close(pipe[1]);
}

INSTANTIATE_TEST_SUITE_P(Signals, RunningProgramsTest, ::testing::Values(SIGINT, SIGTERM, SIGHUP));

TEST(RunningPrograms, LeavesAloneWhatIsIgnored) {
  EXPECT_EXIT(
      {
        ::signal(SIGINT, SIG_IGN);
        endProgramsOnSignals();
        ::raise(SIGINT);
        ::_exit(7);
      },
      ::testing::ExitedWithCode(7), "");
}

}  // namespace
}  // namespace nimbus
