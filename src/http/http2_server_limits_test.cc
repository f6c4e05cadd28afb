#include "http/http2_server_fixture.h"

namespace nimbus::http {
namespace {

using std::chrono::milliseconds;

// A client that always has more to read: frames that need no answer. Ends by itself in time.
class EndlessStream final : public net::Stream {
 public:
  static constexpr int kReads = 10'000;

  Task<Result<std::size_t>> read(std::span<std::uint8_t> into) override {
    static constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    static constexpr std::string_view kSettings{"\0\0\0\x04\0\0\0\0\0", 9};
    static constexpr std::string_view kPriority{"\0\0\x05\x02\0\0\0\0\x01\0\0\0\0\x05", 14};
    std::string text;
    if (reads_ == 0) text.append(kPreface).append(kSettings);
    while (text.size() + kPriority.size() <= into.size()) text += kPriority;
    if (reads_ == kReads) text.clear();
    std::ranges::copy(text, into.begin());
    reads_ += 1;
    co_return text.size();
  }
  Task<Result<void>> readable() override { co_return Result<void>{}; }
  Result<std::size_t> tryWrite(ByteView bytes) override { return bytes.size(); }
  Task<Result<void>> writable() override { co_return Result<void>{}; }
  Task<Result<void>> shutdownWrite() override { co_return Result<void>{}; }
  void close() override { reads_ = kReads; }
  const net::PeerInfo& peer() const override { return peer_; }
  [[nodiscard]] int reads() const { return reads_; }

 private:
  net::PeerInfo peer_;
  int reads_ = 0;
};

TEST_F(Http2ServerTest, LimitsConcurrentStreams) {
  respondWith([this](ServerRequest&, ResponseWriter&) -> Task<void> { co_await never_.wait(); });
  limits_.max_concurrent_streams = 3;
  auto peer = connect();
  (void)peer->readUntilPong();  // our acknowledgement has arrived
  for (std::int32_t id = 1; id <= 7; id += 2) peer->request(id, "GET", "/");
  EXPECT_EQ(peer->readGoaway(), NGHTTP2_PROTOCOL_ERROR);
  EXPECT_TRUE(peer->readToEnd());
  EXPECT_LE(requests_->value(), 3U);
}

TEST_F(Http2ServerTest, AStreamThatWasRefusedWasNotPassedOver) {
  respondWith([this](ServerRequest& request, ResponseWriter& response) -> Task<void> {
    if (request.head.path == "/wait") co_await never_.wait();
    sendText(response, 200, "hello");
  });
  limits_.max_concurrent_streams = 3;
  auto peer = connect();  // which has not heard of that limit before it reads
  for (std::int32_t id = 1; id <= 7; id += 2) peer->request(id, "POST", "/wait", {}, false);
  peer->reset(1, NGHTTP2_CANCEL);
  peer->request(9, "GET", "/");
  peer->headers(7, {{"x", "y"}}, NGHTTP2_FLAG_END_STREAM);
  EXPECT_EQ(peer->readMessage(7).reset, NGHTTP2_REFUSED_STREAM);
  EXPECT_EQ(peer->readMessage(9).content, "hello");
}

TEST_F(Http2ServerTest, EndsConnectionsThatResetTooMuch) {
  limits_.max_reset_streams_per_second = 20;
  auto peer = connect();
  for (std::int32_t id = 1; id < 200; id += 2) {
    peer->request(id, "GET", "/");
    peer->reset(id, NGHTTP2_CANCEL);
  }
  EXPECT_EQ(peer->readGoaway(), NGHTTP2_ENHANCE_YOUR_CALM);
  EXPECT_TRUE(peer->readToEnd());
  EXPECT_GE(protocol_errors_->value(), 1U);
}

TEST_F(Http2ServerTest, EndsConnectionsThatMakeItResetTooMuch) {
  limits_.max_reset_streams_per_second = 20;
  auto peer = connect();
  for (std::int32_t id = 1; id < 200; id += 2) {
    peer->request(id, "GET", "/");
    peer->windowUpdate(id, 0x7fffffff);  // more than a window can be: a stream error
  }
  EXPECT_EQ(peer->readGoaway(), NGHTTP2_ENHANCE_YOUR_CALM);
}

TEST_F(Http2ServerTest, EndsConnectionsThatOnlyChat) {
  respondWith([this](ServerRequest&, ResponseWriter&) -> Task<void> { co_await never_.wait(); });
  for (const std::string kind : {"ping", "settings", "empty data", "padding"}) {
    auto peer = connect();
    peer->request(1, "POST", "/", {}, false);
    for (int i = 0; i < 3000; ++i) {
      if (kind == "ping") peer->ping("12345678");
      if (kind == "settings") peer->settings({});
      if (kind == "empty data") peer->data(1, "", false);
      if (kind == "padding")
        peer->raw(Http2TestPeer::bytesOf(NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1, {"\1\0", 2}));
    }
    const auto ended = peer->readGoaway();
    EXPECT_EQ(ended, NGHTTP2_ENHANCE_YOUR_CALM) << kind;
  }
}

TEST_F(Http2ServerTest, LetsOthersHaveTheirTurnWhileAClientSendsWithoutEnd) {
  (void)listen();
  run([this](net::Shard& shard) -> Task<void> {
    auto stream = std::make_unique<EndlessStream>();
    const EndlessStream& client = *stream;
    connections_.push_back(makeHttp2Connection(*environment_, std::move(stream), {}));
    running_.spawn(connections_.back()->run());
    for (int turn = 1; turn <= 3; ++turn) {
      co_await shard.sleepFor(milliseconds(0));
      EXPECT_GT(client.reads(), turn);
      EXPECT_LT(client.reads(), 100);
    }
    co_await running_.empty();
    EXPECT_GT(client.reads(), EndlessStream::kReads) << "and nothing is left unread";
  });
}

TEST_F(Http2ServerTest, AnswersHeadsThatAreTooLarge) {
  limits_.max_header_bytes = 8 * 1024;
  limits_.max_header_count = 20;
  limits_.max_request_line_bytes = 1000;
  auto peer = connect();
  peer->request(1, "GET", "/", {{"x-large", std::string(9 * 1024, 'a')}});
  EXPECT_EQ(peer->readMessage(1).status(), "431");
  peer->request(3, "GET", "/", TestFields(30, {"x", "y"}));
  EXPECT_EQ(peer->readMessage(3).status(), "431");
  peer->request(5, "GET", "/" + std::string(1001, 'a'));
  EXPECT_EQ(peer->readMessage(5).status(), "414");
  peer->request(7, "GET", "/");
  EXPECT_EQ(peer->readMessage(7).status(), "200");
}

TEST_F(Http2ServerTest, EndsConnectionsOverHeaderBombs) {
  auto peer = connect();
  // One long field put into the table of the decoder, then named again and again by one byte.
  std::string block =
      peer->encode({{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}});
  block += peer->encode({{"x-bomb", std::string(3000, 'b')}});
  block += std::string(10'000, static_cast<char>(0x80 | 62));
  peer->frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, 1, block);
  EXPECT_EQ(peer->readGoaway(), NGHTTP2_ENHANCE_YOUR_CALM);
  EXPECT_TRUE(peer->readToEnd());
}

TEST_F(Http2ServerTest, EndsConnectionsOverContinuationFloods) {
  auto peer = connect();
  peer->frame(NGHTTP2_HEADERS, 0, 1,
              peer->encode({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}}));
  for (int i = 0; i < 100; ++i) peer->frame(NGHTTP2_CONTINUATION, 0, 1, "");
  EXPECT_TRUE(peer->readGoaway());
  EXPECT_TRUE(peer->readToEnd());
}

TEST_F(Http2ServerTest, LimitsTheBody) {
  limits_.max_body_bytes = 1000;
  respondWith([](ServerRequest& request, ResponseWriter& response) -> Task<void> {
    const auto body = co_await readBody(*request.body);
    if (body) sendText(response, 200, std::to_string(body->size()));
    if (!body) EXPECT_EQ(body.error().code(), ErrorCode::kResourceExhausted);
  });
  auto peer = connect();
  peer->request(1, "POST", "/", {{"content-length", "1001"}}, false);
  EXPECT_EQ(peer->readMessage(1).status(), "413");
  peer->request(3, "POST", "/", {}, false);
  peer->data(3, std::string(1001, 'x'), false);
  EXPECT_EQ(peer->readMessage(3).status(), "413");
  peer->request(5, "POST", "/", {}, false);
  peer->data(5, std::string(1000, 'x'), true);
  EXPECT_EQ(peer->readMessage(5).content, "1000");
  (void)peer->readUntilPong();  // the log comes after the last byte
  EXPECT_EQ(log_.lines().size(), 3U);
}

TEST_F(Http2ServerTest, TooMuchContentIsA413WhateverTheHandlerMakesOfIt) {
  limits_.max_body_bytes = 1000;
  respondWith([](ServerRequest& request, ResponseWriter& response) -> Task<void> {
    const auto body = co_await readBody(*request.body);
    if (request.head.path == "/abort") co_return response.abort();
    sendText(response, 500, "I could not read that");
  });
  auto peer = connect();
  peer->request(1, "POST", "/", {}, false);
  peer->data(1, std::string(1001, 'x'), false);
  EXPECT_EQ(peer->readMessage(1).status(), "413");
  peer->request(3, "POST", "/abort", {}, false);
  peer->data(3, std::string(1001, 'x'), false);
  EXPECT_EQ(peer->readMessage(3).status(), "413");
}

TEST_F(Http2ServerTest, EndsIdleConnections) {
  limits_.idle_timeout = milliseconds(500);  // the request comes from another thread
  auto peer = connect();
  peer->request(1, "GET", "/");
  EXPECT_EQ(peer->readMessage(1).content, "hello");
  EXPECT_EQ(peer->readGoaway(), NGHTTP2_NO_ERROR);
  EXPECT_TRUE(peer->readToEnd());
}

TEST_F(Http2ServerTest, EndsConnectionsWithoutAPreface) {
  limits_.header_timeout = milliseconds(50);
  Http2TestPeer peer(Http2TestPeer::connectSocket(listen()));
  peer.raw("PRI * HTTP/2.0\r\n");
  EXPECT_TRUE(peer.readToEnd());
}

TEST_F(Http2ServerTest, EndsConnectionsWithAHeadThatNeverEnds) {
  limits_.header_timeout = milliseconds(500);
  auto peer = connect();
  (void)peer->readUntilPong();  // so that no acknowledgement comes in between
  peer->frame(NGHTTP2_HEADERS, 0, 1, peer->encode(get({})));
  EXPECT_EQ(peer->readGoaway(), NGHTTP2_ENHANCE_YOUR_CALM);
}

TEST_F(Http2ServerTest, FailsReadsOfABodyThatDoesNotCome) {
  limits_.body_idle_timeout = milliseconds(50);
  respondWith([](ServerRequest& request, ResponseWriter& response) -> Task<void> {
    const auto body = co_await readBody(*request.body);
    sendText(response, 408, body ? "came" : errorCodeName(body.error().code()));
  });
  auto peer = connect();
  peer->request(1, "POST", "/", {}, false);
  peer->data(1, "a bit", false);
  EXPECT_EQ(peer->readMessage(1).content, "deadline-exceeded");
}

TEST_F(Http2ServerTest, ResetsStreamsWhoseClientTakesNothing) {
  limits_.write_idle_timeout = milliseconds(50);
  std::atomic<bool> told = false;
  respondWith([&](ServerRequest&, ResponseWriter& response) -> Task<void> {
    response.sendHead({.status = 200, .headers = {}}, std::nullopt);
    const std::string piece(100'000, 'p');
    told = !co_await response.write(asBytes(piece));
  });
  auto peer = connect({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1000}});
  peer->request(1, "GET", "/");
  EXPECT_EQ(peer->readMessage(1, Http2TestPeer::Credit::kKeep).reset, NGHTTP2_CANCEL);
  (void)peer->readUntilPong();
  EXPECT_TRUE(told);
}

TEST_F(Http2ServerTest, ResetsStreamsWhoseClientTakesLessThanTheLeastRate) {
  limits_.write_idle_timeout = milliseconds(100);
  limits_.min_response_bytes_per_second = 1000;  // a hundred bytes in that time
  respondWith([](ServerRequest&, ResponseWriter& response) -> Task<void> {
    response.sendHead({.status = 200, .headers = {}}, std::nullopt);
    const std::string piece(100'000, 'p');
    (void)co_await response.write(asBytes(piece));
  });
  auto peer = connect({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1000}});
  peer->request(1, "GET", "/");
  for (int i = 0; i < 20; ++i) {
    run([](net::Shard& shard) -> Task<void> { co_await shard.sleepFor(milliseconds(30)); });
    peer->windowUpdate(1, 1);
  }
  const auto message = peer->readMessage(1, Http2TestPeer::Credit::kKeep);
  EXPECT_EQ(message.reset, NGHTTP2_CANCEL);
  EXPECT_LT(message.content.size(), 1020U);
}

TEST_F(Http2ServerTest, EndsConnectionsThatReadNothing) {
  limits_.write_idle_timeout = milliseconds(100);
  std::atomic<int> destroyed = 0;
  respondWith([&](ServerRequest&, ResponseWriter& response) -> Task<void> {
    const OnDestruction guard{destroyed};
    response.sendHead({.status = 200, .headers = {}}, std::nullopt);
    const std::string piece(1'000'000, 'p');
    for (;;) {
      if (!co_await response.write(asBytes(piece))) co_return;
    }
  });
  auto peer = connect({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0x7fffffff}});
  peer->windowUpdate(0, 0x70000000);
  peer->request(1, "GET", "/");
  // The socket's buffers fill, then nothing moves.
  run([&](net::Shard& shard) -> Task<void> {
    while (requests_->value() == 0) co_await shard.sleepFor(milliseconds(1));
    co_await running_.empty();
  });
  group_->runOn(0, [&](net::Shard&) { connections_.clear(); });
  EXPECT_EQ(destroyed, 1);
}

}  // namespace
}  // namespace nimbus::http
