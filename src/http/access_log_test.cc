#include "http/access_log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "base/test_folder.h"

namespace nimbus::http {
namespace {

class AccessLogTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::string path() const { return folder_.path("access.log"); }
  static std::string contentOf(const std::string& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::unique_ptr<AccessLog> open(LogFormat format) const {
    auto log = openAccessLog(path(), format);
    EXPECT_TRUE(log.has_value());
    return *std::move(log);
  }
  static AccessRecord example() {
    return {.peer = "192.0.2.1:4711",
            .method = "GET",
            .authority = "a.example",
            .path = "/x?y",
            .version = "HTTP/1.1",
            .status = 200,
            .request_bytes = 3,
            .response_bytes = 5,
            .duration = std::chrono::microseconds(1500),
            .complete = true};
  }
  // Everything but the time stamp.
  static std::string withoutStamp(std::string line, char open, char close) {
    const std::size_t begin = line.find(open);
    line.erase(begin, line.find(close, begin) + 1 - begin);
    return line;
  }

  TemporaryFolder folder_;
};

TEST_F(AccessLogTest, WritesCommonLogFormatWithMore) {
  const auto log = open(LogFormat::kText);
  log->record(example());
  log->flush();
  EXPECT_EQ(withoutStamp(contentOf(path()), '[', ']'),
            "192.0.2.1 - -  \"GET /x?y HTTP/1.1\" 200 5 \"a.example\" 3 1.500 complete\n");
}

TEST_F(AccessLogTest, WritesJson) {
  const auto log = open(LogFormat::kJson);
  AccessRecord record = example();
  record.peer = "[::1]:80";
  record.complete = false;
  log->record(record);
  log->flush();
  EXPECT_EQ(withoutStamp(contentOf(path()), '"', ','),
            "{\"peer\":\"[::1]:80\",\"method\":\"GET\",\"host\":\"a.example\",\"path\":\"/x?y\","
            "\"version\":\"HTTP/1.1\",\"status\":200,\"request_bytes\":3,\"response_bytes\":5,"
            "\"duration_ms\":1.500,\"complete\":false}\n");
}

TEST_F(AccessLogTest, APeerCannotForgeLines) {
  AccessRecord record = example();
  record.path = "/\n127.0.0.1 - - \"x\" \x1b[31m";
  record.authority = "a\" 200";
  for (const LogFormat format : {LogFormat::kText, LogFormat::kJson}) {
    std::filesystem::remove(path());
    const auto log = open(format);
    log->record(record);
    log->flush();
    const std::string text = contentOf(path());
    EXPECT_EQ(std::ranges::count(text, '\n'), 1) << text;
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_EQ(text.find("a\" 200"), std::string::npos) << text;
  }
}

TEST_F(AccessLogTest, WritesWhatIsLeftAtItsEnd) {
  open(LogFormat::kText)->record(example());
  EXPECT_FALSE(contentOf(path()).empty());
}

TEST_F(AccessLogTest, LosesNothingFromSeveralThreads) {
  constexpr int kThreads = 4;
  constexpr int kRecords = 2000;
  {
    const auto log = open(LogFormat::kText);
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&log] {
        for (int n = 0; n < kRecords; ++n) log->record(example());
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  const std::string text = contentOf(path());
  EXPECT_EQ(std::ranges::count(text, '\n'), kThreads * kRecords);
}

TEST_F(AccessLogTest, ReopensAfterRotation) {
  const auto log = open(LogFormat::kText);
  log->record(example());
  log->flush();
  std::filesystem::rename(path(), path() + ".1");
  log->record(example());
  ASSERT_TRUE(log->reopen());
  log->record(example());
  log->flush();
  EXPECT_EQ(std::ranges::count(contentOf(path() + ".1"), '\n'), 2);
  EXPECT_EQ(std::ranges::count(contentOf(path()), '\n'), 1);
}

TEST_F(AccessLogTest, AppendsToWhatIsThere) {
  std::ofstream(path()) << "before\n";
  open(LogFormat::kText)->record(example());
  EXPECT_TRUE(contentOf(path()).starts_with("before\n"));
}

TEST_F(AccessLogTest, TellsOnceThatTheFileTakesNothingAndHowManyRecordsThatWere) {
  std::filesystem::create_symlink("/dev/full", path());
  std::vector<std::string> problems;
  auto log = *openAccessLog(path(), LogFormat::kText,
                            [&](const Error& error) { problems.push_back(error.describe()); });
  for (int i = 0; i < 3; ++i) {
    log->record(example());
    log->flush();
  }
  std::filesystem::remove(path());
  ASSERT_TRUE(log->reopen());
  log->record(example());
  log.reset();  // its thread may have been the one that was told
  ASSERT_EQ(problems.size(), 1);
  EXPECT_EQ(problems.front(), "cannot write the access log: No space left on device");
  const std::string content = contentOf(path());
  EXPECT_EQ(std::ranges::count(content, '\n'), 2) << content;
  EXPECT_TRUE(content.ends_with("# 3 records dropped\n")) << content;
}

TEST_F(AccessLogTest, SaysWhyItCannotOpen) {
  const auto log = openAccessLog(folder_.path("missing/x"), LogFormat::kText);
  ASSERT_FALSE(log.has_value());
  EXPECT_EQ(log.error().code(), ErrorCode::kIo);
  EXPECT_NE(log.error().message().find("missing"), std::string::npos);
}

}  // namespace
}  // namespace nimbus::http
