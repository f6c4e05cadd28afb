#include "wrpc/frame_output.h"

#include <gtest/gtest.h>

#include <string>

#include "net/test_support.h"

namespace nimbus::wrpc {
namespace {

using namespace std::string_literals;

// Takes so many bytes, then none until it is told to go on.
class SlowStream final : public net::Stream {
 public:
  Task<Result<std::size_t>> read(std::span<std::uint8_t>) override { co_return std::size_t{0}; }
  Task<Result<void>> readable() override { co_return Result<void>{}; }
  Result<std::size_t> tryWrite(ByteView bytes) override {
    if (broken_) return fail(ErrorCode::kIo, "nobody is there");
    writes_ += 1;
    const std::size_t taken = std::min(bytes.size(), room_);
    room_ -= taken;
    written_ += asText(bytes.first(taken));
    return taken;
  }
  Task<Result<void>> writable() override {
    go_on_.clear();
    co_await go_on_.wait();
    co_return Result<void>{};
  }
  Task<Result<void>> shutdownWrite() override { co_return Result<void>{}; }
  void close() override {}
  const net::PeerInfo& peer() const override { return peer_; }

  void stop() { room_ = 0; }
  void breakOff() { broken_ = true; }
  void take(std::size_t count) {
    room_ = count;
    go_on_.set();
  }
  [[nodiscard]] const std::string& written() const { return written_; }
  [[nodiscard]] int writes() const { return writes_; }

 private:
  net::PeerInfo peer_;
  std::size_t room_ = ~std::size_t{0};
  bool broken_ = false;
  int writes_ = 0;
  std::string written_;
  Event go_on_;
};

ByteChain chainOf(std::string text) { return ByteChain(Bytes::take(std::move(text))); }

Task<void> writeInto(FrameOutput& output, IndexPath path, std::string data, bool& ok) {
  ok = (co_await output.write(std::move(path), chainOf(std::move(data)))).has_value();
}

class FrameOutputTest : public ::testing::Test {
 protected:
  template <typename T>
  T now(Task<T> task) {
    EXPECT_TRUE(task.start());
    return task.take();
  }

  SlowStream stream_;
  FrameOutput output_{stream_};
};

TEST_F(FrameOutputTest, SendsHeaderAndRootInOneWrite) {
  EXPECT_TRUE(now(output_.begin(encodeHeader({"a:b/c", "f"}), chainOf("xyz"))));
  EXPECT_EQ(stream_.written(), "\0\5a:b/c\1f\0\3xyz"s);
  EXPECT_EQ(stream_.writes(), 1);
}

TEST_F(FrameOutputTest, SendsAnEmptyFrameForTheRootOnly) {
  EXPECT_TRUE(now(output_.begin({}, {})));
  EXPECT_TRUE(now(output_.write({0}, {})));
  EXPECT_EQ(stream_.written(), "\0\0"s);
}

TEST_F(FrameOutputTest, SendsEachPieceAsOneFrameHoweverLargeItIs) {
  const std::string large(100'000, 'x');
  ByteChain data = chainOf("\xa0\x8d\x06"s);
  data.append(Bytes::copyOf(large));
  EXPECT_TRUE(now(output_.write({1, 300}, std::move(data))));
  EXPECT_EQ(stream_.written(), "\2\1\xac\2\xa3\x8d\6\xa0\x8d\6"s + large);
  EXPECT_EQ(output_.writtenBytes(), stream_.written().size());
}

TEST_F(FrameOutputTest, GoesOnWhereASlowPeerStopped) {
  const std::string large(20'000, 'x');
  bool ok = false;
  TaskSet tasks;
  stream_.stop();
  tasks.spawn(writeInto(output_, {0}, large, ok));
  int turns = 0;
  for (; output_.busy(); ++turns) stream_.take(700);
  EXPECT_EQ(turns, 29);
  EXPECT_EQ(tasks.size(), 0u);
  EXPECT_TRUE(ok);
  EXPECT_EQ(stream_.written(), "\1\0\xa0\x9c\1"s + large);
}

TEST_F(FrameOutputTest, NeverMixesTheFramesOfTwoWriters) {
  bool first = false;
  bool second = false;
  TaskSet tasks;
  stream_.stop();
  tasks.spawn(writeInto(output_, {0}, "first", first));
  tasks.spawn(writeInto(output_, {1}, "second", second));
  stream_.take(3);
  stream_.take(3);
  stream_.take(100);
  EXPECT_TRUE(first && second);
  EXPECT_EQ(stream_.written(), "\1\0\5first\1\1\6second"s);
}

TEST_F(FrameOutputTest, FailsAllWritersOnceThePeerHasGone) {
  bool first = true;
  bool second = true;
  TaskSet tasks;
  stream_.stop();
  tasks.spawn(writeInto(output_, {0}, "first", first));
  tasks.spawn(writeInto(output_, {1}, "second", second));
  stream_.breakOff();
  stream_.take(100);
  EXPECT_FALSE(first || second);
  EXPECT_EQ(tasks.size(), 0u);
}

}  // namespace
}  // namespace nimbus::wrpc
