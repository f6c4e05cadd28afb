#include "base/log.h"

#include <fcntl.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nimbus {
namespace {

using std::chrono::milliseconds;

// A logger whose records are read back from a pipe.
class LogTest : public testing::Test {
 protected:
  LogTest() {
    EXPECT_EQ(::pipe2(pipe_, O_CLOEXEC), 0);
    clock_.advance(std::chrono::sys_days(std::chrono::year(2026) / 1 / 31).time_since_epoch() +
                   std::chrono::hours(12) + milliseconds(123));
  }
  ~LogTest() override {
    ::close(pipe_[0]);
    if (pipe_[1] >= 0) ::close(pipe_[1]);
  }

  std::unique_ptr<Logger> logger(LogFormat format, LogLevel level = LogLevel::kInfo) {
    return makeDescriptorLogger(pipe_[1], level, format, clock_);
  }

  std::string written() {
    ::close(std::exchange(pipe_[1], -1));
    std::string all;
    char buffer[4096];
    for (ssize_t got = 0; (got = ::read(pipe_[0], buffer, sizeof buffer)) > 0;) {
      all.append(buffer, static_cast<std::size_t>(got));
    }
    return all;
  }

  FakeClock clock_;
  int pipe_[2] = {-1, -1};
};

TEST_F(LogTest, TextRecordHasTimeLevelMessageAndFields) {
  logger(LogFormat::kText)->info("workload serves", {{"workload", "shop"}, {"note", "two words"}});
  EXPECT_EQ(written(),
            "2026-01-31T12:00:00.123Z INFO  workload serves workload=shop note=\"two words\"\n");
}

TEST_F(LogTest, AFunctionGetsEachRecordWithItsEnd) {
  std::vector<std::string> lines;
  const auto write = [&lines](std::string_view line) { lines.emplace_back(line); };
  const auto log = makeLogger(write, LogLevel::kWarn, LogFormat::kText, clock_);
  log->info("left out");
  log->warn("one");
  log->error("two\nlines", {{"n", "1"}});
  EXPECT_THAT(lines, testing::ElementsAre("2026-01-31T12:00:00.123Z WARN  one\n",
                                          testing::EndsWith("ERROR two\\nlines n=1\n")));
}

TEST_F(LogTest, JsonRecordIsOneObject) {
  logger(LogFormat::kJson)->error("it \"broke\"", {{"path", "a\\b"}});
  EXPECT_EQ(written(),
            "{\"time\":\"2026-01-31T12:00:00.123Z\",\"level\":\"error\","
            "\"message\":\"it \\\"broke\\\"\",\"path\":\"a\\\\b\"}\n");
}

TEST_F(LogTest, EmptyAndOddValuesAreQuoted) {
  logger(LogFormat::kText)->warn("m", {{"a", ""}, {"b", "x=y"}, {"c", "say \"hi\""}});
  EXPECT_EQ(written(), "2026-01-31T12:00:00.123Z WARN  m a=\"\" b=\"x=y\" c=\"say \\\"hi\\\"\"\n");
}

TEST_F(LogTest, AMessageIsNotTakenForFields) {
  {
    const auto log = logger(LogFormat::kText);
    log->info("it failed workload=other", {{"workload", "shop"}});
    log->info("workload=other");
    log->info("a == b, {c=d} (e=f) =g");
    log->info("\"", {{"workload", "shop"}});
    log->info("a \"b\"");
  }
  const std::string time = "2026-01-31T12:00:00.123Z INFO  ";
  EXPECT_EQ(written(), time + "\"it failed workload=other\" workload=shop\n" + time +
                           "\"workload=other\"\n" + time + "a == b, {c=d} (e=f) =g\n" + time +
                           R"("\"" workload=shop)"
                           "\n" +
                           time + "a \"b\"\n");
}

TEST_F(LogTest, LineBreaksCannotForgeARecord) {
  logger(LogFormat::kText)
      ->info("a\n2026-01-31T12:00:00.123Z ERROR forged", {{"k", "v\r\nforged \x1b[31m"}});
  const std::string text = written();
  EXPECT_EQ(std::ranges::count(text, '\n'), 1);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\r'), std::string::npos);
}

TEST_F(LogTest, RecordsBelowTheLevelAreDropped) {
  auto log = logger(LogFormat::kText, LogLevel::kWarn);
  log->info("not this");
  log->warn("this");
  EXPECT_FALSE(log->enabled(LogLevel::kInfo));
  log.reset();  // it has the pipe open, too
  EXPECT_EQ(written(), "2026-01-31T12:00:00.123Z WARN  this\n");
}

TEST_F(LogTest, LevelOffDropsErrorsToo) {
  logger(LogFormat::kText, LogLevel::kOff)->error("not this");
  EXPECT_EQ(written(), "");
}

TEST_F(LogTest, RecordsOfManyThreadsStayWhole) {
  constexpr int kThreads = 4;
  constexpr int kRecords = 100;
  std::string text;
  std::thread reader([&] {
    char buffer[4096];
    for (ssize_t got = 0; (got = ::read(pipe_[0], buffer, sizeof buffer)) > 0;) {
      text.append(buffer, static_cast<std::size_t>(got));
    }
  });
  {
    auto log = logger(LogFormat::kText);
    std::vector<std::jthread> writers;
    for (int i = 0; i < kThreads; ++i) {
      writers.emplace_back([&log] {
        for (int n = 0; n < kRecords; ++n) log->info("record", {{"pad", std::string(200, 'x')}});
      });
    }
  }
  ::close(std::exchange(pipe_[1], -1));
  reader.join();
  const std::string record =
      "2026-01-31T12:00:00.123Z INFO  record pad=" + std::string(200, 'x') + "\n";
  std::string expected;
  for (int i = 0; i < kThreads * kRecords; ++i) expected += record;
  EXPECT_EQ(text, expected);
}

// More than a full pipe and the queue behind it take, read afterwards.
std::string loggedPastTheEnd(Logger& log, int reader) {
  for (int i = 0; i < 300; ++i) log.info(std::string(10000, 'x'));
  std::string text;
  char buffer[4096];
  while (text.find("nobody read it") == std::string::npos || !text.ends_with('\n')) {
    const ssize_t got = ::read(reader, buffer, sizeof buffer);
    if (got <= 0) break;
    text.append(buffer, static_cast<std::size_t>(got));
  }
  return text;
}

TEST_F(LogTest, RecordsThatNobodyReadsAreCounted) {
  auto log = logger(LogFormat::kText);
  const std::string text = loggedPastTheEnd(*log, pipe_[0]);
  const std::string last = "WARN  records of this log were lost: nobody read it records=";
  const std::size_t found = text.find(last);
  ASSERT_NE(found, std::string::npos);
  const std::ptrdiff_t whole = std::ranges::count(text, '\n') - 1;
  EXPECT_EQ(whole + std::stoi(text.substr(found + last.size())), 300);
}

TEST_F(LogTest, TheirCountIsARecordOfTheFormat) {
  auto log = logger(LogFormat::kJson);
  const std::string text = loggedPastTheEnd(*log, pipe_[0]);
  EXPECT_NE(text.find("\n{\"time\":\"2026-01-31T12:00:00.123Z\",\"level\":\"warning\",\"message\":"
                      "\"records of this log were lost: nobody read it\",\"records\":\""),
            std::string::npos);
}

TEST_F(LogTest, TheEndWaitsForTheReader) {
  auto log = logger(LogFormat::kText);
  const std::string message(100 * 1024, 'x');  // more than the pipe holds
  log->info(message);
  std::thread end([&] {
    log.reset();
    ::close(std::exchange(pipe_[1], -1));
  });
  std::string text;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::read(pipe_[0], buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(got));
  }
  end.join();
  EXPECT_EQ(text, "2026-01-31T12:00:00.123Z INFO  " + message + "\n");
}

TEST_F(LogTest, FullNonBlockingPipeDoesNotStopTheWriter) {
  ASSERT_EQ(::fcntl(pipe_[1], F_SETPIPE_SZ, 4096), 4096);
  ASSERT_EQ(::fcntl(pipe_[1], F_SETFL, O_NONBLOCK), 0);
  auto log = logger(LogFormat::kText);
  log->info(std::string(10000, 'x'));  // returns although nobody reads
  SUCCEED();
}

TEST(NullLogger, IsNeverEnabled) { EXPECT_FALSE(makeNullLogger()->enabled(LogLevel::kError)); }

}  // namespace
}  // namespace nimbus
