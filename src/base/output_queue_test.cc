#include "base/output_queue.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <gtest/gtest.h>

#include "base/test_folder.h"
#include "base/text.h"

namespace nimbus {
namespace {

constexpr std::chrono::seconds kPatience{60};
constexpr int kPipeBytes = 4096;

std::string aboutLost(std::uint64_t count) { return "lost " + std::to_string(count) + "\n"; }

// Of `size` bytes, with its number at its front.
std::string line(std::size_t number, std::size_t size = 100) {
  std::string text = std::to_string(number) + " ";
  text.resize(size - 1, 'x');
  return text + "\n";
}

// Gives lines of a descriptor; empty: it has ended, or nothing came for long.
class LineReader {
 public:
  explicit LineReader(int descriptor) : descriptor_(descriptor) {}

  std::string next() {
    std::size_t end = 0;
    while ((end = text_.find('\n')) == std::string::npos) {
      if (!readMore()) return {};
    }
    std::string found = text_.substr(0, end + 1);
    text_.erase(0, end + 1);
    return found;
  }

 private:
  bool readMore() {
    pollfd event{descriptor_, POLLIN, 0};
    if (::poll(&event, 1, std::chrono::milliseconds(kPatience).count()) != 1) return false;
    std::array<char, 512> buffer;
    const ssize_t count = ::read(descriptor_, buffer.data(), buffer.size());
    if (count <= 0) return false;
    text_.append(buffer.data(), static_cast<std::size_t>(count));
    return true;
  }

  const int descriptor_;
  std::string text_;
};

// A small pipe that is read only when a test says so.
class OutputQueueTest : public testing::Test {
 protected:
  OutputQueueTest() {
    ::signal(SIGPIPE, SIG_IGN);  // as the program does
    EXPECT_EQ(::pipe2(pipe_.data(), O_CLOEXEC), 0);
    EXPECT_EQ(::fcntl(pipe_[1], F_SETPIPE_SZ, kPipeBytes), kPipeBytes);
  }
  ~OutputQueueTest() override {
    closeEnd(0);
    closeEnd(1);
  }

  void closeEnd(std::size_t end) {
    if (pipe_[end] >= 0) ::close(std::exchange(pipe_[end], -1));
  }

  [[nodiscard]] static OutputQueue::Options options(std::size_t most_bytes = 64 * 1024) {
    return {.most_bytes = most_bytes, .about_lost = aboutLost, .end_bound = kPatience};
  }

  // More than the descriptor holds, then all of it read, in order.
  static void expectNothingWaitsForAndNothingLost(int to, int from) {
    constexpr std::size_t kLines = 5000;
    const int flags = ::fcntl(to, F_GETFL);
    ASSERT_EQ(flags & O_NONBLOCK, 0);
    OutputQueue queue(to, options(std::size_t{1} << 20));
    for (std::size_t i = 0; i < kLines; ++i) ASSERT_EQ(queue.write(line(i)), 0);
    EXPECT_FALSE(queue.flush(Duration::zero()));
    EXPECT_EQ(::fcntl(to, F_GETFL), flags);
    LineReader reader(from);
    for (std::size_t i = 0; i < kLines; ++i) ASSERT_EQ(reader.next(), line(i));
    EXPECT_TRUE(queue.flush(kPatience));
  }

  std::array<int, 2> pipe_{-1, -1};
};

TEST_F(OutputQueueTest, WhatFitsIsThereWhenWriteReturns) {
  OutputQueue queue(pipe_[1], options());
  EXPECT_EQ(queue.write("one\n"), 0);
  std::array<char, 16> buffer;
  EXPECT_EQ(::read(pipe_[0], buffer.data(), buffer.size()), 4);
  EXPECT_TRUE(queue.flush(Duration::zero()));
}

TEST_F(OutputQueueTest, AFullPipeStopsNobody) {
  expectNothingWaitsForAndNothingLost(pipe_[1], pipe_[0]);
}

TEST_F(OutputQueueTest, AFullPipeThatMayNotBeOpenedAgainStopsNobody) {
  ASSERT_EQ(::fchmod(pipe_[1], 0), 0);
  // Without the rights of root, of whom this is a thread in some places.
  std::thread([this] {
    ::syscall(SYS_setfsuid, 65534);
    const std::string path = "/proc/self/fd/" + std::to_string(pipe_[1]);
    ASSERT_EQ(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC), -1);
    expectNothingWaitsForAndNothingLost(pipe_[1], pipe_[0]);
  }).join();
}

TEST_F(OutputQueueTest, AFullSocketStopsNobody) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  expectNothingWaitsForAndNothingLost(ends[1], ends[0]);
  for (const int end : ends) ::close(end);
}

TEST_F(OutputQueueTest, AStoppedTerminalStopsNobody) {
  const int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  ASSERT_GE(master, 0);
  ASSERT_EQ(::grantpt(master), 0);
  ASSERT_EQ(::unlockpt(master), 0);
  const int terminal = ::open(::ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
  ASSERT_GE(terminal, 0);
  termios raw{};
  ASSERT_EQ(::tcgetattr(terminal, &raw), 0);
  ::cfmakeraw(&raw);
  ASSERT_EQ(::tcsetattr(terminal, TCSANOW, &raw), 0);
  expectNothingWaitsForAndNothingLost(terminal, master);
  ::close(terminal);
  ::close(master);
}

TEST_F(OutputQueueTest, AFileHasTheOrderOfAllThatWriteToIt) {
  const TemporaryFolder folder;
  const int file = ::open(folder.path("log").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_GE(file, 0);
  OutputQueue queue(file, options());
  queue.write("one\n");
  EXPECT_EQ(::write(file, "two\n", 4), 4);
  queue.write("three\n");
  EXPECT_EQ(folder.read("log"), "one\ntwo\nthree\n");
  ::close(file);
}

TEST_F(OutputQueueTest, ALineLongerThanThePipeArrivesWhole) {
  OutputQueue queue(pipe_[1], options());
  queue.write(line(1, 5 * kPipeBytes));
  queue.write(line(2, 3 * PIPE_BUF));
  LineReader reader(pipe_[0]);
  EXPECT_EQ(reader.next(), line(1, 5 * kPipeBytes));
  EXPECT_EQ(reader.next(), line(2, 3 * PIPE_BUF));
}

// Each line comes whole or is counted, and the count stands where lines are missing.
TEST_F(OutputQueueTest, WhatDoesNotFitIsDroppedWholeAndCountedInItsPlace) {
  constexpr std::size_t kLines = 2000;
  OutputQueue queue(pipe_[1], options(16 * 1024));
  LineReader reader(pipe_[0]);
  std::size_t seen = 0;
  std::size_t counts = 0;
  const auto take = [&] {
    const std::string found = reader.next();
    if (!found.starts_with("lost ")) {
      ASSERT_EQ(found, line(seen));
      seen += 1;
      return;
    }
    const auto count = parseDecimal(std::string_view(found).substr(5, found.size() - 6));
    ASSERT_TRUE(count.has_value()) << found;
    seen += *count;
    counts += 1;
  };
  for (std::size_t i = 0; i < kLines; ++i) {
    ASSERT_EQ(queue.write(line(i)), 0);
    if (i % 2 == 0 && i > kLines / 2) take();
  }
  while (seen < kLines && !HasFatalFailure()) take();
  EXPECT_EQ(seen, kLines);
  EXPECT_GE(counts, 2);
}

TEST_F(OutputQueueTest, DroppedLinesCountAsWhatTheirWriterSays) {
  OutputQueue queue(pipe_[1], options(8 * 1024));
  const std::string full = line(0, kPipeBytes) + line(1, 7 * 1024);
  ASSERT_EQ(queue.write(full), 0);
  const std::string too_much = line(2, 2 * 1024);
  std::string_view left = too_much;
  ASSERT_EQ(queue.take(left, 40), 0);
  EXPECT_EQ(left, "");
  ASSERT_EQ(queue.write(too_much), 0);
  LineReader reader(pipe_[0]);
  EXPECT_EQ(reader.next(), line(0, kPipeBytes));
  EXPECT_EQ(reader.next(), line(1, 7 * 1024));
  EXPECT_EQ(reader.next(), "lost 41\n");
}

TEST_F(OutputQueueTest, LinesOfSeveralQueuesAreNotTorn) {
  constexpr std::size_t kLines = 500;
  OutputQueue one(pipe_[1], options());
  OutputQueue other(pipe_[1], options());
  for (std::size_t i = 0; i < kLines; ++i) {
    one.write(line(i, 80));
    other.write(line(i, 120));
  }
  LineReader reader(pipe_[0]);
  std::size_t of_one = 0;
  std::size_t of_other = 0;
  for (std::size_t i = 0; i < 2 * kLines; ++i) {
    const std::string found = reader.next();
    if (found.size() == 80) {
      ASSERT_EQ(found, line(of_one++, 80));
    } else {
      ASSERT_EQ(found, line(of_other++, 120));
    }
  }
  EXPECT_EQ(of_one, kLines);
}

TEST_F(OutputQueueTest, AFullPipeHasWholeLinesOfALongText) {
  OutputQueue queue(pipe_[1], options());
  std::string text;
  for (std::size_t i = 0; i < 500; ++i) text += line(i);
  queue.write(text);
  // Another writer's line would come here.
  int taken = 0;
  ASSERT_EQ(::ioctl(pipe_[0], FIONREAD, &taken), 0);
  EXPECT_GT(taken, 0);
  EXPECT_EQ(taken % 100, 0) << taken;
  closeEnd(0);
}

TEST_F(OutputQueueTest, TheEndWritesWhatWaits) {
  constexpr std::size_t kLines = 500;
  std::optional<OutputQueue> queue;
  queue.emplace(pipe_[1], options());
  for (std::size_t i = 0; i < kLines; ++i) queue->write(line(i));
  closeEnd(1);  // only the queue writes now
  std::size_t seen = 0;
  std::thread late([&] {
    LineReader reader(pipe_[0]);
    while (reader.next() == line(seen)) seen += 1;
  });
  queue.reset();
  late.join();
  EXPECT_EQ(seen, kLines);
}

TEST_F(OutputQueueTest, AllQueuesAreFlushedTogether) {
  OutputQueue idle(pipe_[1], options());
  OutputQueue queue(pipe_[1], options());
  for (std::size_t i = 0; i < 500; ++i) queue.write(line(i));
  OutputQueue::flushAll(std::chrono::milliseconds(1));  // nobody reads, and it returns
  std::thread end([] { OutputQueue::flushAll(kPatience); });
  LineReader reader(pipe_[0]);
  for (std::size_t i = 0; i < 500; ++i) EXPECT_EQ(reader.next(), line(i));
  end.join();
  EXPECT_TRUE(queue.flush(Duration::zero()));
}

TEST_F(OutputQueueTest, TheEndDoesNotWaitForAPipeThatNobodyReads) {
  OutputQueue::Options bounded = options();
  bounded.end_bound = std::chrono::milliseconds(10);
  std::optional<OutputQueue> queue;
  queue.emplace(pipe_[1], bounded);
  for (std::size_t i = 0; i < 500; ++i) queue->write(line(i));
  queue.reset();
  closeEnd(1);
  LineReader reader(pipe_[0]);
  std::size_t seen = 0;
  while (reader.next() == line(seen)) seen += 1;
  EXPECT_GE(seen, 10);
  EXPECT_LT(seen, 500);
}

TEST_F(OutputQueueTest, ReaderThatGoesAwayEndsTheWaiting) {
  OutputQueue queue(pipe_[1], options());
  for (std::size_t i = 0; i < 500; ++i) queue.write(line(i));
  closeEnd(0);
  EXPECT_TRUE(queue.flush(kPatience));
  EXPECT_EQ(queue.write("nobody reads this\n"), EPIPE);
}

TEST_F(OutputQueueTest, APipeWithoutReaderIsToldAtOnce) {
  closeEnd(0);
  EXPECT_EQ(OutputQueue(pipe_[1], options()).write("nobody reads this\n"), EPIPE);
}

TEST_F(OutputQueueTest, WhatIsRefusedIsLeft) {
  closeEnd(0);
  OutputQueue queue(pipe_[1], options());
  std::string_view lines = "nobody\nreads this\n";
  EXPECT_EQ(queue.take(lines, 2), EPIPE);
  EXPECT_EQ(lines, "nobody\nreads this\n");
}

TEST_F(OutputQueueTest, ADescriptorThatIsNotOpenIsToldAtOnce) {
  EXPECT_EQ(OutputQueue(-1, options()).write("nowhere\n"), EBADF);
}

}  // namespace
}  // namespace nimbus
