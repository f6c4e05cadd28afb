#include "http/http1_request_body.h"

#include <gtest/gtest.h>

#include <string>

#include "http/http1_test_support.h"

namespace nimbus::http {
namespace {

using namespace std::chrono_literals;
using RequestBodyTest = HttpTest;

class QuietOwner final : public RequestBody::Owner {
 public:
  void inputConsumed() override {}
  void sendContinue() override {}
  void bodyDeadlineChanged() override {}
};

struct Incoming {
  explicit Incoming(net::Shard& shard, ServerLimits with = {})
      : limits(with), input(limits.body_read_ahead_bytes), body(shard, limits, input, owner) {}
  void startLength(std::uint64_t length) {
    HeadControl control;
    control.body = {BodyFraming::Kind::kLength, length};
    control.content_length = length;
    body.start(control);
  }
  void arrive(std::string_view text) {
    input.append(text);
    body.inputArrived();
  }

  ServerLimits limits;
  InputBuffer input;
  QuietOwner owner;
  RequestBody body;
};

TEST_F(RequestBodyTest, ThePeersTimeRunsOnlyWhileSomebodyWaits) {
  run([](net::Shard& shard) -> Task<void> {
    Incoming incoming(shard);
    incoming.startLength(10);
    EXPECT_EQ(incoming.body.deadline(), TimePoint::max());
    auto read = incoming.body.read();
    EXPECT_FALSE(read.start());
    EXPECT_LT(incoming.body.deadline(), TimePoint::max());
    incoming.arrive("abc");
    EXPECT_TRUE(read.done());
    EXPECT_EQ(incoming.body.deadline(), TimePoint::max());
    {
      auto given_up = incoming.body.read();
      EXPECT_FALSE(given_up.start());
      EXPECT_LT(incoming.body.deadline(), TimePoint::max());
    }
    EXPECT_EQ(incoming.body.deadline(), TimePoint::max());
    co_return;
  });
}

TEST_F(RequestBodyTest, ASlowPeerHasTenSecondsThenMustKeepTheMinimumRate) {
  run([](net::Shard& shard) -> Task<void> {
    ServerLimits limits;
    limits.body_idle_timeout = 30s;
    limits.min_body_bytes_per_second = 100;
    Incoming incoming(shard, limits);
    incoming.startLength(1'000'000);
    const TimePoint now = shard.now();
    auto first = incoming.body.read();
    EXPECT_FALSE(first.start());
    EXPECT_EQ(incoming.body.deadline() - now, 10s);
    // 2,000 bytes are worth 20 s.
    incoming.arrive(std::string(2'000, 'x'));
    auto second = incoming.body.read();
    EXPECT_FALSE(second.start());
    EXPECT_EQ(incoming.body.deadline() - now, 20s);
    // Much content never buys more than the idle time-out.
    incoming.arrive(std::string(50'000, 'x'));
    auto third = incoming.body.read();
    EXPECT_FALSE(third.start());
    EXPECT_EQ(incoming.body.deadline() - now, 30s);
    co_return;
  });
}

TEST_F(RequestBodyTest, WithoutAMinimumRateOnlyTheIdleTimeoutCounts) {
  run([](net::Shard& shard) -> Task<void> {
    ServerLimits limits;
    limits.min_body_bytes_per_second = 0;
    Incoming incoming(shard, limits);
    incoming.startLength(10);
    auto read = incoming.body.read();
    EXPECT_FALSE(read.start());
    EXPECT_EQ(incoming.body.deadline() - shard.now(), limits.body_idle_timeout);
    incoming.body.deadlinePassed();
    EXPECT_TRUE(read.done());
    const auto piece = read.take();
    EXPECT_FALSE(piece.has_value());
    EXPECT_EQ(piece.error().code(), ErrorCode::kDeadlineExceeded);
    co_return;
  });
}

TEST_F(RequestBodyTest, LargePiecesAreNotCopied) {
  run([](net::Shard& shard) -> Task<void> {
    Incoming incoming(shard);
    incoming.startLength(10'000);
    incoming.arrive(std::string(10'000, 'x'));
    const void* arrived = incoming.input.view().data();
    auto piece = co_await incoming.body.read();
    EXPECT_TRUE(piece.has_value() && piece->has_value());
    EXPECT_EQ(static_cast<const void*>((*piece)->view().data()), arrived);
    auto end = co_await incoming.body.read();
    EXPECT_TRUE(end.has_value() && !end->has_value());
  });
}

}  // namespace
}  // namespace nimbus::http
