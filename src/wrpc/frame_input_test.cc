// Values that arrive in pieces of any size: what comes out, and what it costs.
#include "wrpc/frame_input.h"

#include <optional>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "net/test_support.h"
#include "wrpc/test_counting_shape.h"
#include "wrpc/test_cut_stream.h"

namespace nimbus::wrpc {
namespace {

using net::Shard;
using namespace std::string_literals;

constexpr std::size_t kMaxRootBytes = 1 << 20;

// A root in frames of one byte.
std::string drops(std::size_t count) {
  std::string frames;
  for (std::size_t i = 0; i < count; ++i) frames += "\0\1x"s;
  return frames;
}

class FrameInputTest : public net::ShardTest {
 protected:
  struct Outcome {
    Result<ByteChain> root;
    std::size_t unread;  // of what was sent
  };
  Outcome rootOf(const std::string& sent, std::size_t piece_bytes, const TupleShape& shape) {
    Outcome outcome{fail(ErrorCode::kInternal, "never asked"), 0};
    run([&](Shard& shard) -> Task<void> {
      CutStream stream(asBytes(sent), piece_bytes);
      ChannelTable channels(shard, {});
      FrameInput input(stream, channels, kMaxRootBytes, 64 * 1024, nullptr);
      outcome.root = co_await input.root(&shape);
      outcome.unread = stream.left();
    });
    return outcome;
  }
};

TEST_F(FrameInputTest, AFrameInPiecesIsLookedAtOnce) {
  const std::string value(100'000, 'x');
  const FrameHead head({}, static_cast<std::uint32_t>(value.size()));
  const std::string sent = std::string(asText(head.view())) + value;
  const CountingShape shape(value.size());
  const Outcome outcome = rootOf(sent, 1, shape);
  ASSERT_TRUE(outcome.root) << outcome.root.error().describe();
  EXPECT_EQ(outcome.root->size(), value.size());
  EXPECT_EQ(shape.cost, value.size());
}

TEST_F(FrameInputTest, ManySmallFramesAtOnceCostLittleMoreThanTheirBytes) {
  constexpr std::size_t kBytes = 200'000;
  const CountingShape shape(kBytes);
  const Outcome outcome = rootOf(drops(kBytes), 64 * 1024, shape);
  ASSERT_TRUE(outcome.root) << outcome.root.error().describe();
  EXPECT_LE(shape.cost, 20 * kBytes + (256U << 10));
}

// Each of them may be the last, so each is looked at; but not for ever.
TEST_F(FrameInputTest, ManySmallFramesOneByOneAreRefused) {
  constexpr std::size_t kBytes = 200'000;
  const CountingShape shape(kBytes);
  const std::string sent = drops(kBytes);
  const Outcome outcome = rootOf(sent, 3, shape);
  ASSERT_FALSE(outcome.root);
  EXPECT_EQ(outcome.root.error().code(), ErrorCode::kResourceExhausted);
  EXPECT_LE(shape.cost, 16U << 20);
  EXPECT_GE(outcome.unread, sent.size() - 10'000 * 3);
}

TEST_F(FrameInputTest, AFrameThatAnnouncesMoreThanIsLeftIsRefusedBeforeItsData) {
  const FrameHead first({}, 10);
  const FrameHead second({}, kMaxRootBytes - 9);
  const std::string heads =
      std::string(asText(first.view())) + "0123456789" + std::string(asText(second.view()));
  const std::string data(1000, 'x');
  const CountingShape shape(kMaxRootBytes);
  const Outcome outcome = rootOf(heads + data, 1, shape);
  ASSERT_FALSE(outcome.root);
  EXPECT_EQ(outcome.root.error().code(), ErrorCode::kResourceExhausted);
  EXPECT_EQ(outcome.unread, data.size());
}

TEST_F(FrameInputTest, AFrameThatAnnouncesWhatIsLeftIsFine) {
  const FrameHead head({}, kMaxRootBytes);
  const CountingShape shape(kMaxRootBytes);
  const std::string sent = std::string(asText(head.view())) + std::string(kMaxRootBytes, 'x');
  EXPECT_TRUE(rootOf(sent, 64 * 1024, shape).root);
}

TEST_F(FrameInputTest, AFewSmallFramesOneByOneAreFine) {
  constexpr std::size_t kBytes = 2000;
  const CountingShape shape(kBytes);
  EXPECT_TRUE(rootOf(drops(kBytes), 1, shape).root);
}

// Streams that begin in between do not make it cheaper to look again.
TEST_F(FrameInputTest, FramesOfStreamsInBetweenChangeNothing) {
  constexpr std::size_t kBytes = 200'000;
  std::string sent;
  for (std::size_t i = 0; i < kBytes; ++i) sent += "\0\1x\1\5\0"s;
  const CountingShape shape(kBytes);
  const Outcome outcome = rootOf(sent, 6, shape);
  ASSERT_FALSE(outcome.root);
  EXPECT_LE(shape.cost, 16U << 20);
}

}  // namespace
}  // namespace nimbus::wrpc
