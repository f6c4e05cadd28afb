#include "base/running_programs.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <thread>

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

// What runs in the child: starts a program that sends the signal as soon as it runs, which may be
// before whoever starts it knows its number.
void startWhatSignals(int held, int signal) {
  ::dup2(held, STDERR_FILENO);
  ::close(held);
  endProgramsOnSignals();
  const std::string sending = "kill -" + std::to_string(signal) + " $PPID; sleep 1000";
  std::jthread([&] {
    SystemProcessRunner runner;
    const auto program = runner.start({.arguments = {"/bin/sh", "-c", sending}});
    while (program) ::pause();
  }).join();
}

TEST_P(RunningProgramsTest, EndAlsoIfTheyHaveJustBeenStarted) {
  for (int i = 0; i < 20; ++i) {
    std::array<int, 2> pipe{};
    ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
    EXPECT_EXIT(startWhatSignals(pipe[1], GetParam()), ::testing::KilledBySignal(GetParam()), "");
    ::close(pipe[1]);
    // The program holds the other side open.
    pollfd ended{pipe[0], POLLIN, 0};
    ASSERT_EQ(::poll(&ended, 1, 20'000), 1);
    ::close(pipe[0]);
  }
}

TEST(RunningPrograms, NoneIsStartedWhileAllAreEnded) {
  EXPECT_EXIT(
      {
        endRunningPrograms();
        SystemProcessRunner runner;
        const auto program = runner.start({.arguments = {"/bin/true"}});
        ::_exit(!program && program.error().code() == ErrorCode::kCancelled ? 7 : 1);
      },
      ::testing::ExitedWithCode(7), "");
}

TEST(RunningPrograms, EndingThemWaitsForOneThatIsBeingStarted) {
  EXPECT_EXIT(
      {
        const pid_t program = ::fork();
        if (program == 0) {
          ::setpgid(0, 0);
          while (true) ::pause();
        }
        ::setpgid(program, program);
        std::jthread ending;
        {
          const ProgramStart start;
          ending = std::jthread(endRunningPrograms);
          while (!start.refused()) std::this_thread::yield();
          start.note(program);
        }
        ending.join();
        int status = 0;  // it is reaped where it is ended, or here
        const pid_t left = ::waitpid(program, &status, WNOHANG);
        ::_exit(left < 0 || (left == program && WIFSIGNALED(status)) ? 7 : 1);
      },
      ::testing::ExitedWithCode(7), "");
}

INSTANTIATE_TEST_SUITE_P(Signals, RunningProgramsTest,
                         ::testing::Values(SIGINT, SIGTERM, SIGHUP, SIGQUIT));

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
