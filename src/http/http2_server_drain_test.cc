#include "http/http2_valve_fixture.h"

namespace nimbus::http {
namespace {

using std::chrono::milliseconds;

TEST_F(Http2ServerTest, DrainsGracefully) {
  Event go_on;
  respondWith([&](ServerRequest&, ResponseWriter& response) -> Task<void> {
    co_await go_on.wait();
    sendText(response, 200, "kept");
  });
  auto peer = connect();
  peer->request(1, "GET", "/");
  (void)peer->readUntilPong();
  drainAll();
  const auto notice = peer->readType(NGHTTP2_GOAWAY);
  ASSERT_TRUE(notice);
  EXPECT_EQ(notice->number(0), 0x7fffffffU);
  const auto ping = peer->readType(NGHTTP2_PING);
  ASSERT_TRUE(ping);
  peer->request(3, "GET", "/");  // crossed the notice
  peer->frame(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, ping->payload);
  const auto last = peer->readType(NGHTTP2_GOAWAY);
  ASSERT_TRUE(last);
  EXPECT_EQ(last->number(0), 3U);
  EXPECT_EQ(last->errorCode(), NGHTTP2_NO_ERROR);
  group_->runOn(0, [&](net::Shard&) { go_on.set(); });
  EXPECT_EQ(peer->readMessage(1).content, "kept");
  EXPECT_EQ(peer->readMessage(3).content, "kept");
  EXPECT_TRUE(peer->readToEnd());
}

TEST_F(Http2ServerTest, DrainsThoughTheClientDoesNotAnswerPings) {
  auto peer = connect();
  (void)peer->readUntilPong();
  drainAll();
  EXPECT_EQ(peer->readGoaway(), NGHTTP2_NO_ERROR);  // the notice
  EXPECT_EQ(peer->readGoaway(), NGHTTP2_NO_ERROR);
  EXPECT_TRUE(peer->readToEnd());
}

TEST_F(Http2ServerTest, DrainsAfterItsNumberOfRequests) {
  limits_.max_requests_per_connection = 2;
  auto peer = connect();
  peer->request(1, "GET", "/");
  peer->request(3, "GET", "/");
  EXPECT_EQ(peer->readMessage(1).content, "hello");
  EXPECT_EQ(peer->readMessage(3).content, "hello");
  EXPECT_EQ(peer->readGoaway(), NGHTTP2_NO_ERROR);
}

TEST_F(Http2ServerTest, DrainsAClientAtOnceThatLeavesAnyway) {
  Event go_on;
  respondWith([&](ServerRequest&, ResponseWriter& response) -> Task<void> {
    co_await go_on.wait();
    sendText(response, 200, "kept");
  });
  auto peer = connect();
  peer->request(1, "GET", "/");
  peer->frame(NGHTTP2_GOAWAY, 0, 0, std::string(8, '\0'));
  (void)peer->readUntilPong();
  drainAll();
  const auto last = peer->readType(NGHTTP2_GOAWAY);
  ASSERT_TRUE(last);
  EXPECT_EQ(last->number(0), 1U);
  group_->runOn(0, [&](net::Shard&) { go_on.set(); });
  EXPECT_EQ(peer->readMessage(1).content, "kept");
  EXPECT_TRUE(peer->readToEnd());
}

const std::string kDrainAnswer =
    Http2TestPeer::bytesOf(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, "draining");

class Http2DrainTest : public Http2ValveTest {
 protected:
  // The last stream that the last GOAWAY names.
  static std::optional<std::uint32_t> lastServed(const ValveStream& valve) {
    std::optional<std::uint32_t> last;
    for (const TestFrame& frame : valve.frames()) {
      if (frame.type == NGHTTP2_GOAWAY) last = frame.number(0);
    }
    return last;
  }

  static bool sawPing(const ValveStream& valve) {
    return std::ranges::any_of(valve.frames(), [](const TestFrame& frame) {
      return frame.type == NGHTTP2_PING && frame.payload == "draining";
    });
  }
};

TEST_F(Http2DrainTest, AsksForAnAnswerOnlyAfterItsNotice) {
  (void)listen();
  run([this](net::Shard& shard) -> Task<void> {
    ValveStream& valve = open();
    co_await turns(shard);
    const std::size_t before = valve.frames().size();
    connections_.back()->startDrain();
    co_await turns(shard);
    const auto frames = valve.frames();
    EXPECT_EQ(frames.size(), before + 2);
    if (frames.size() < before + 2) co_return;
    EXPECT_EQ(frames[before].type, NGHTTP2_GOAWAY);
    EXPECT_EQ(frames[before].number(0), 0x7fffffffU);
    EXPECT_EQ(frames[before + 1].type, NGHTTP2_PING);
  });
}

TEST_F(Http2DrainTest, ServesARequestThatComesTogetherWithTheAnswer) {
  (void)listen();
  run([this](net::Shard& shard) -> Task<void> {
    ValveStream& valve = open();
    valve.feed(requestBytes(1));
    co_await turns(shard);
    connections_.back()->startDrain();
    co_await turns(shard);
    EXPECT_TRUE(sawPing(valve));
    valve.feed(kDrainAnswer + requestBytes(3));
    co_await turns(shard);
    EXPECT_EQ(lastServed(valve), 3U);
    EXPECT_EQ(requests_->value(), 2U);
  });
}

TEST_F(Http2DrainTest, AnAnswerBeforeTheNoticeSaysNothing) {
  (void)listen();
  run([this](net::Shard& shard) -> Task<void> {
    ValveStream& valve = open();
    co_await turns(shard);
    valve.letOut(0);
    connections_.back()->startDrain();
    valve.feed(kDrainAnswer + requestBytes(1));
    co_await turns(shard);
    valve.letOut(SIZE_MAX);
    co_await turns(shard);
    EXPECT_EQ(lastServed(valve), 0x7fffffffU);
    EXPECT_EQ(requests_->value(), 1U);
  });
}

TEST_F(Http2DrainTest, ServesWhatComesWhileItCannotSayItsLastWord) {
  (void)listen();
  run([this](net::Shard& shard) -> Task<void> {
    ValveStream& valve = open();
    co_await turns(shard);
    connections_.back()->startDrain();
    co_await turns(shard);
    EXPECT_TRUE(sawPing(valve));
    valve.letOut(0);
    valve.feed(requestBytes(1));  // whose answer goes nowhere
    co_await turns(shard);
    valve.feed(kDrainAnswer);
    co_await turns(shard);
    valve.feed(requestBytes(3));
    co_await turns(shard);
    EXPECT_EQ(requests_->value(), 2U);
    valve.letOut(SIZE_MAX);
    co_await turns(shard);
    EXPECT_EQ(lastServed(valve), 3U);
  });
}

TEST_F(Http2DrainTest, RunsNothingThatItsLastWordDisowns) {
  respondWith([](ServerRequest&, ResponseWriter& response) -> Task<void> {
    ResponseHead head;
    for (int i = 0; i < 10; ++i) head.headers.add("x", std::string(12'000, '~'));
    response.sendHead(head, 0);
    response.finish({});
    co_return;
  });
  (void)listen();
  run([this](net::Shard& shard) -> Task<void> {
    ValveStream& valve = open();
    co_await turns(shard);
    connections_.back()->startDrain();
    co_await turns(shard);
    EXPECT_TRUE(sawPing(valve));
    // The last GOAWAY stands behind a head that does not get through.
    valve.letOut(1000);
    valve.feed(requestBytes(1) + kDrainAnswer);
    co_await turns(shard);
    valve.feed(requestBytes(3));
    co_await turns(shard);
    valve.letOut(SIZE_MAX);
    co_await turns(shard);
    EXPECT_EQ(lastServed(valve), 1U);
    EXPECT_EQ(requests_->value(), 1U);
  });
}

}  // namespace
}  // namespace nimbus::http
