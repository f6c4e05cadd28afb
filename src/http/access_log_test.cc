#include "http/access_log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/test_folder.h"
#include "base/unique_fd.h"

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
  EXPECT_NE(content.find("# 3 records dropped\n"), std::string::npos) << content;
}

TEST_F(AccessLogTest, TellsOfDroppedRecordsWithoutWaitingForTheNextOne) {
  std::filesystem::create_symlink("/dev/full", path());
  auto log = open(LogFormat::kJson);
  for (int i = 0; i < 3; ++i) log->record(example());
  log->flush();
  std::filesystem::remove(path());
  ASSERT_TRUE(log->reopen());
  log.reset();
  EXPECT_EQ(contentOf(path()), "{\"dropped_records\":3}\n");
}

// Standard output is this pipe as long as it lives.
class PipeAsStandardOutput {
 public:
  explicit PipeAsStandardOutput(const std::string& path) : path_(path) {
    NIMBUS_CHECK(::mkfifo(path.c_str(), 0600) == 0);
    openReader();  // opening the other end would wait for one
    const int writer = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    NIMBUS_CHECK(writer >= 0);
    NIMBUS_CHECK(::fcntl(writer, F_SETPIPE_SZ, 4096) == 4096);  // a slow way to read much
    std::fflush(stdout);
    NIMBUS_CHECK(::dup2(writer, STDOUT_FILENO) == STDOUT_FILENO);
    ::close(writer);
  }
  PipeAsStandardOutput(const PipeAsStandardOutput&) = delete;
  PipeAsStandardOutput& operator=(const PipeAsStandardOutput&) = delete;
  ~PipeAsStandardOutput() {
    ::dup2(before_, STDOUT_FILENO);
    ::close(before_);
    closeReader();
  }
  void openReader() {
    reader_ = ::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    NIMBUS_CHECK(reader_ >= 0);
  }
  void closeReader() { ::close(std::exchange(reader_, -1)); }
  [[nodiscard]] int reader() const { return reader_; }

 private:
  const std::string path_;
  int reader_ = -1;
  const int before_ = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
};

// How many records the lines tell of, up to `most`.
std::uint64_t countRecords(int descriptor, std::uint64_t most) {
  constexpr std::string_view kDropped = "# ";
  std::uint64_t count = 0;
  std::string text;
  std::array<char, 16 * 1024> buffer;
  while (count < most) {
    pollfd event{descriptor, POLLIN, 0};
    if (::poll(&event, 1, 60'000) != 1) break;
    const ssize_t size = ::read(descriptor, buffer.data(), buffer.size());
    if (size <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(size));
    for (std::size_t end = 0; (end = text.find('\n')) != std::string::npos;
         text.erase(0, end + 1)) {
      count += text.starts_with(kDropped) ? std::stoull(text.substr(kDropped.size())) : 1;
    }
  }
  return count;
}

// Dropped by the reader that is gone, by the buffers of some shards, and by the queue, which drops
// some of those buffers with what they tell.
TEST_F(AccessLogTest, CountsEachRecordThatAReaderOfStandardOutputMisses) {
  constexpr std::uint64_t kShards = 6;
  constexpr std::uint64_t kRecords = 128;  // twice what a buffer holds
  ::signal(SIGPIPE, SIG_IGN);              // as the program does
  std::uint64_t seen = 0;
  {
    PipeAsStandardOutput pipe(path());
    std::promise<void> told;
    std::promise<void> go_on;
    auto log = *openAccessLog("-", LogFormat::kText, [&](const Error&) {
      told.set_value();
      go_on.get_future().wait();
    });
    log->record(example());
    log->flush();
    seen += countRecords(pipe.reader(), 1);
    pipe.closeReader();
    log->record(example());
    std::thread flushing([&log] { log->flush(); });
    told.get_future().wait();
    pipe.openReader();
    std::vector<std::thread> shards;
    for (std::uint64_t i = 0; i < kShards; ++i) {
      shards.emplace_back([&log] {
        const std::string long_path(64 * 1024, 'x');
        AccessRecord record = example();
        record.path = long_path;
        for (std::uint64_t n = 0; n < kRecords; ++n) log->record(record);
      });
    }
    for (std::thread& shard : shards) shard.join();
    go_on.set_value();
    seen += countRecords(pipe.reader(), 1 + kShards * kRecords);
    flushing.join();
    log.reset();
  }
  EXPECT_EQ(seen, 2 + kShards * kRecords);
}

TEST_F(AccessLogTest, WaitsForNoReaderOfAPipe) {
  const std::string path = folder_.path("pipe");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const auto unread = openAccessLog(path, LogFormat::kText);
  ASSERT_FALSE(unread.has_value());
  EXPECT_NE(unread.error().message().find("nobody reads this pipe"), std::string::npos);

  const UniqueFd reader(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  auto log = openAccessLog(path, LogFormat::kText);
  ASSERT_TRUE(log.has_value()) << log.error().describe();
  (*log)->record(example());
  (*log)->flush();
  char text[4096];
  EXPECT_GT(::read(reader.get(), text, sizeof text), 0);
  for (int i = 0; i < 10'000; ++i) (*log)->record(example());  // much more than it holds
  log->reset();                                                // ends all the same
}

TEST_F(AccessLogTest, SaysWhyItCannotOpen) {
  const auto log = openAccessLog(folder_.path("missing/x"), LogFormat::kText);
  ASSERT_FALSE(log.has_value());
  EXPECT_EQ(log.error().code(), ErrorCode::kIo);
  EXPECT_NE(log.error().message().find("missing"), std::string::npos);
}

}  // namespace
}  // namespace nimbus::http
