#include "base/process.h"

#include <signal.h>

#include <cerrno>
#include <thread>

#include <gtest/gtest.h>

namespace nimbus {
namespace {

ProcessSpec shell(std::string script) {
  return {.arguments = {"/bin/sh", "-c", std::move(script)}};
}

TEST(Process, CapturesBothStreamsAndTheStatus) {
  SystemProcessRunner runner;
  const auto outcome = runner.run(shell("echo out; echo err >&2; exit 3"));
  ASSERT_TRUE(outcome) << outcome.error().describe();
  EXPECT_EQ(outcome->output, "out\n");
  EXPECT_EQ(outcome->error, "err\n");
  EXPECT_EQ(outcome->exit_status, 3);
}

TEST(Process, RefusesTextsThatTheSystemWouldCutShort) {
  using namespace std::string_literals;
  SystemProcessRunner runner;
  const auto refused = [&](const ProcessSpec& spec) {
    const auto run = runner.run(spec);
    const auto started = runner.start(spec);
    return !run && run.error().code() == ErrorCode::kInvalidArgument && !started &&
           started.error().code() == ErrorCode::kInvalidArgument;
  };
  EXPECT_TRUE(refused({.arguments = {"/bin/echo", "--yes\0/tmp/allowed"s}}));
  EXPECT_TRUE(refused({.arguments = {"/bin/echo\0x"s}}));
  EXPECT_TRUE(refused({.arguments = {"/bin/echo"}, .folder = "/\0x"s}));
  EXPECT_TRUE(refused({.arguments = {"/bin/echo"}, .environment = {{"A", "b\0c"s}}}));
}

TEST(Process, ReportsASignalAsShellsDo) {
  SystemProcessRunner runner;
  const auto outcome = runner.run(shell("kill -TERM $$"));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->exit_status, 128 + SIGTERM);
}

TEST(Process, PassesMoreInputThanAPipeHolds) {
  SystemProcessRunner runner;
  ProcessSpec spec{.arguments = {"cat"}};
  spec.input = std::string(300'000, 'x');
  const auto outcome = runner.run(spec);
  ASSERT_TRUE(outcome) << outcome.error().describe();
  EXPECT_EQ(outcome->output, spec.input);
}

TEST(Process, TakesNoHarmFromAProgramThatDoesNotReadItsInput) {
  ::signal(SIGPIPE, SIG_IGN);
  SystemProcessRunner runner;
  ProcessSpec spec = shell("exec true");
  spec.input = std::string(300'000, 'x');
  const auto outcome = runner.run(spec);
  ASSERT_TRUE(outcome) << outcome.error().describe();
  EXPECT_EQ(outcome->exit_status, 0);
}

TEST(Process, SetsFolderAndEnvironment) {
  SystemProcessRunner runner;
  ProcessSpec spec = shell("pwd; echo $NIMBUS_COLOUR$HOME");
  spec.folder = "/usr";
  spec.environment = {{"NIMBUS_COLOUR", "blue"}};
  spec.inherit_environment = false;
  const auto outcome = runner.run(spec);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->output, "/usr\nblue\n");
}

TEST(Process, GivesOutputToTheSinkAsItComes) {
  SystemProcessRunner runner;
  std::string seen;
  ProcessSpec spec = shell("echo one; echo two");
  spec.sink = [&](ProcessStream, std::string_view chunk) { seen += chunk; };
  const auto outcome = runner.run(spec);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(seen, "one\ntwo\n");
  EXPECT_EQ(outcome->output, "");
}

TEST(Process, EndsAProgramThatTakesTooLong) {
  SystemProcessRunner runner;
  ProcessSpec spec{.arguments = {"sleep", "600"}};
  spec.timeout = std::chrono::milliseconds(20);
  const auto outcome = runner.run(spec);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), ErrorCode::kDeadlineExceeded);
}

TEST(Process, EndsAProgramThatWritesWithoutEnd) {
  SystemProcessRunner runner;
  ProcessSpec spec{.arguments = {"yes"}};
  spec.max_output_bytes = 100'000;
  const auto outcome = runner.run(spec);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), ErrorCode::kResourceExhausted);
}

TEST(Process, EndsWhenStopped) {
  SystemProcessRunner runner;
  std::stop_source source;
  ProcessSpec spec = shell("echo started; exec sleep 600");
  spec.stop = source.get_token();
  spec.sink = [&](ProcessStream, std::string_view) { source.request_stop(); };
  const auto outcome = runner.run(spec);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), ErrorCode::kCancelled);
}

TEST(Process, DoesNotWaitForChildrenThatHoldTheOutputOpen) {
  SystemProcessRunner runner;
  ProcessSpec spec = shell("sleep 600 & echo done");
  spec.timeout = std::chrono::minutes(1);
  const auto outcome = runner.run(spec);
  ASSERT_TRUE(outcome) << outcome.error().describe();
  EXPECT_EQ(outcome->output, "done\n");
}

TEST(Process, SaysWhenThereIsNoSuchProgram) {
  SystemProcessRunner runner;
  const auto outcome = runner.run({.arguments = {"nimbus-no-such-program"}});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), ErrorCode::kNotFound);
}

TEST(Process, EndsABackgroundProgramWithItsHandle) {
  SystemProcessRunner runner;
  auto process = runner.start({.arguments = {"sleep", "600"}});
  ASSERT_TRUE(process) << process.error().describe();
  const int pid = (*process)->pid();
  EXPECT_EQ(::kill(pid, 0), 0);
  process->reset();
  EXPECT_EQ(::kill(pid, 0), -1);
  EXPECT_EQ(errno, ESRCH);
}

TEST(FindProgram, LooksOnlyInAbsoluteFoldersOfThePath) {
  EXPECT_EQ(findProgram("sh", "/nowhere:/bin").value_or(""), "/bin/sh");
  EXPECT_FALSE(findProgram("sh", ""));
  EXPECT_FALSE(findProgram("sh", ".:nowhere"));
  EXPECT_FALSE(findProgram("", "/bin"));
  EXPECT_FALSE(findProgram("/nowhere/sh", "/bin"));
}

}  // namespace
}  // namespace nimbus
