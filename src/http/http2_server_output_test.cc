#include "http/http2_valve_fixture.h"

// How much of the output of a server's connections waits, for how long, and what is kept meanwhile.
namespace nimbus::http {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kNoWindow{"\0\x04\0\0\0\0", 6};  // SETTINGS_INITIAL_WINDOW_SIZE

std::string windowUpdate(std::int32_t stream, std::string_view four_bytes) {
  return Http2TestPeer::bytesOf(NGHTTP2_WINDOW_UPDATE, 0, stream, four_bytes);
}

// Whatever the test takes, the client has made room by the time that it is looked for.
class Http2OutputTest : public Http2ValveTest {
 protected:
  static constexpr std::size_t kContentBytes = 300'000;

  void SetUp() override {
    Http2ValveTest::SetUp();
    limits_.write_idle_timeout = milliseconds(20);
    respondWith([this](ServerRequest&, ResponseWriter& response) -> Task<void> {
      response.sendHead({.status = 200, .headers = {}}, std::nullopt);
      const std::string content(kContentBytes, 'x');
      const auto written = co_await response.write(asBytes(content));
      if (written) co_return response.finish({});
      cut_off_at_.push_back(valve_->writtenBytes());
    });
  }

  // On the shard.
  ValveStream& connectTo(std::string_view settings = {}) {
    valve_ = &open(settings);
    valve_->letOut(5'000);
    valve_->feed(windowUpdate(0, {"\0\x10\0\0", 4}));
    return *valve_;
  }

  ValveStream* valve_ = nullptr;
  std::vector<std::size_t> cut_off_at_;  // what had been written then, of all responses
};

TEST_F(Http2OutputTest, AClientThatTakesALittleAtATimeIsServed) {
  (void)listen();
  run([this](net::Shard& shard) -> Task<void> {
    ValveStream& valve = connectTo();
    valve.makeRoomLater(1'000, 10);
    valve.feed(requestBytes(1) + windowUpdate(1, {"\0\x10\0\0", 4}));
    while (!valve.closed()) co_await turns(shard);
    EXPECT_TRUE(cut_off_at_.empty()) << "the stream, which waits for the connection";
    EXPECT_EQ(valve.writtenBytes(), 15'000U);
  });
}

TEST_F(Http2OutputTest, AClientThatTakesItAllWithoutBeingToldGetsTheRest) {
  (void)listen();
  run([this](net::Shard& shard) -> Task<void> {
    ValveStream& valve = connectTo();
    valve.makeRoomLater(10 * kContentBytes, 1);
    valve.feed(requestBytes(1) + windowUpdate(1, {"\0\x10\0\0", 4}));
    while (valve.writtenBytes() < kContentBytes && !valve.closed() && cut_off_at_.empty())
      co_await turns(shard);
    EXPECT_FALSE(valve.closed());
    EXPECT_TRUE(cut_off_at_.empty());
  });
}

TEST_F(Http2OutputTest, AStreamWithoutAWindowIsCutOffThoughTheConnectionWaits) {
  (void)listen();
  run([this](net::Shard& shard) -> Task<void> {
    ValveStream& valve = connectTo(kNoWindow);
    valve.makeRoomLater(1'000, SIZE_MAX);
    valve.feed(requestBytes(1) + requestBytes(3) + windowUpdate(1, {"\0\x10\0\0", 4}));
    while (valve.writtenBytes() < 15'000 && !valve.closed()) co_await turns(shard);
    EXPECT_FALSE(valve.closed());
    EXPECT_EQ(cut_off_at_.size(), 1U) << "the one without a window alone";
  });
}

TEST_F(Http2OutputTest, AClientOfManyResponsesHasToTakeEnoughOfEach) {
  limits_.min_response_bytes_per_second = 50'000;  // 1,000 bytes in 20 ms
  (void)listen();
  run([this](net::Shard& shard) -> Task<void> {
    ValveStream& valve = connectTo();
    valve.makeRoomLater(2'000, 1);  // enough for two of four
    std::string requests;
    for (std::int32_t id = 1; id < 9; id += 2)
      requests += requestBytes(id) + windowUpdate(id, {"\0\x10\0\0", 4});
    valve.feed(requests);
    while (!valve.closed()) co_await turns(shard);
    EXPECT_EQ(valve.writtenBytes(), 7'000U);
  });
}

TEST_F(Http2OutputTest, WhatARequestSaidIsNotKeptUntilItsResponseIsRead) {
  limits_.write_idle_timeout = std::chrono::minutes(10);
  ServerRequest* kept = nullptr;
  Event ended;
  respondWith([&](ServerRequest& request, ResponseWriter& response) -> Task<void> {
    EXPECT_EQ(request.head.headers.find("cookie"), "a=1; b=2");
    (void)co_await readBody(*request.body);
    EXPECT_EQ(request.body->trailers().find("x-sum"), "3");
    kept = &request;
    sendText(response, 200, "hello");
    ended.set();
  });
  auto peer = connect({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0}});
  peer->request(1, "POST", "/there", {{"cookie", "a=1"}, {"cookie", "b=2"}, {"x-y", "z"}}, false);
  peer->data(1, "abc", false);
  peer->headers(1, {{"x-sum", "3"}}, NGHTTP2_FLAG_END_STREAM);
  run([&](net::Shard& shard) -> Task<void> {
    co_await ended.wait();
    co_await turns(shard);
    EXPECT_EQ(kept->head.headers.size(), 0U);
    EXPECT_EQ(kept->body->trailers().size(), 0U);
  });
  peer->windowUpdate(1, 100);
  EXPECT_EQ(peer->readMessage(1).content, "hello");
  peer->finishSending();
  EXPECT_TRUE(peer->readToEnd());
  EXPECT_EQ(log_.lines(), (std::vector<std::string>{"POST /there 200 3/5 complete"}));
}

}  // namespace
}  // namespace nimbus::http
