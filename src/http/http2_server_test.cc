#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <functional>
#include <mutex>
#include <thread>

#include "base/metrics.h"
#include "base/sync.h"
#include "http/connection.h"
#include "http/http2_test_peer.h"
#include "net/socket.h"
#include "net/test_support.h"

namespace nimbus::http {
namespace {

using std::chrono::milliseconds;

class FunctionHandler final : public Handler {
 public:
  using Function = std::function<Task<void>(ServerRequest&, ResponseWriter&)>;
  Task<void> handle(ServerRequest& request, ResponseWriter& response) override {
    return function(request, response);
  }
  Function function;
};

class RecordingLog final : public AccessLog {
 public:
  void record(const AccessRecord& record) override {
    std::lock_guard lock(mutex_);
    lines_.push_back(std::string(record.method) + " " + std::string(record.path) + " " +
                     std::to_string(record.status) + " " + std::to_string(record.request_bytes) +
                     "/" + std::to_string(record.response_bytes) +
                     (record.complete ? " complete" : " cut"));
  }
  void flush() override {}
  Result<void> reopen() override { return {}; }
  std::vector<std::string> lines() {
    std::lock_guard lock(mutex_);
    return lines_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> lines_;
};

Task<Result<std::string>> readBody(BodyReader& body) {
  std::string text;
  for (;;) {
    CO_TRY(const auto piece, co_await body.read());
    if (!piece) co_return text;
    text += piece->text();
  }
}

// Says when it is destroyed, as a cancelled handler's frame is.
struct OnDestruction {
  std::atomic<int>& count;
  ~OnDestruction() { count += 1; }
};

class Http2ServerTest : public net::ShardTest {
 protected:
  void SetUp() override {
    ShardTest::SetUp();
    respondWith([](ServerRequest&, ResponseWriter& response) -> Task<void> {
      sendText(response, 200, "hello");
      co_return;
    });
  }

  void TearDown() override {
    if (!group_) return;
    group_->runOn(0, [this](net::Shard&) {
      acceptor_.reset();
      running_.cancelAll();
      connections_.clear();
    });
    group_.reset();
  }

  void respondWith(FunctionHandler::Function function) { handler_.function = std::move(function); }

  std::uint16_t listen() {
    if (port_ != 0) return port_;
    auto sockets = net::listenOn(*net::Endpoint::parse("127.0.0.1:0"), 1);
    EXPECT_TRUE(sockets);
    port_ = (*sockets)[0]->boundTo().port;
    group_->runOn(0, [&](net::Shard& shard) {
      environment_.emplace(ConnectionEnvironment{shard, handler_, limits_, &log_, *requests_,
                                                 *protocol_errors_, *active_, nullptr});
      acceptor_ = net::makeAcceptor(shard, std::move((*sockets)[0]),
                                    [this](std::unique_ptr<net::Stream> stream) {
                                      connections_.push_back(makeHttp2Connection(
                                          *environment_, std::move(stream), {}));
                                      running_.spawn(connections_.back()->run());
                                    });
    });
    return port_;
  }

  std::unique_ptr<Http2TestPeer> connect(const Http2TestPeer::Settings& settings = {}) {
    return Http2TestPeer::connect(listen(), settings);
  }

  void drainAll() {
    group_->runOn(0, [this](net::Shard&) {
      for (auto& connection : connections_) connection->startDrain();
    });
  }

  ServerLimits limits_;
  MetricRegistry metrics_;
  std::shared_ptr<Counter> requests_ = metrics_.counter("requests", "");
  std::shared_ptr<Counter> protocol_errors_ = metrics_.counter("errors", "");
  std::shared_ptr<Gauge> active_ = metrics_.gauge("active", "");
  RecordingLog log_;
  FunctionHandler handler_;
  std::uint16_t port_ = 0;
  std::optional<ConnectionEnvironment> environment_;
  std::unique_ptr<net::Acceptor> acceptor_;
  std::vector<std::unique_ptr<Connection>> connections_;
  TaskSet running_;
};

TEST_F(Http2ServerTest, AnswersARequest) {
  auto peer = connect();
  peer->request(1, "GET", "/a?b=c");
  const TestMessage answer = peer->readMessage(1);
  EXPECT_EQ(answer.status(), "200");
  EXPECT_EQ(answer.content, "hello");
  EXPECT_EQ(answer.field("content-length"), "5");
  EXPECT_EQ(answer.field("content-type"), "text/plain; charset=utf-8");
  EXPECT_TRUE(answer.field("date").ends_with(" GMT"));
  EXPECT_FALSE(answer.reset);
}

TEST_F(Http2ServerTest, GivesTheHandlerTheHeadAsTheClientMeantIt) {
  std::string seen;
  respondWith([&](ServerRequest& request, ResponseWriter& response) -> Task<void> {
    const RequestHead& head = request.head;
    seen = head.method + " " + head.authority + " " + head.path;
    for (std::size_t i = 0; i < head.headers.size(); ++i) {
      seen += " [" + std::string(head.headers[i].name) + "=" +
              std::string(head.headers[i].value) + "]";
    }
    EXPECT_EQ(head.version, Version::kHttp2);
    EXPECT_TRUE(request.body->empty());
    EXPECT_TRUE(request.peer->address.starts_with("127.0.0.1:"));
    sendText(response, 200, "");
    co_return;
  });
  auto peer = connect();
  peer->request(1, "GET", "/x",
                {{"cookie", "a=1"}, {"x-y", "z"}, {"te", "trailers"}, {"cookie", "b=2"}});
  EXPECT_EQ(peer->readMessage(1).status(), "200");
  EXPECT_EQ(seen, "GET test.example /x [x-y=z] [cookie=a=1; b=2]");
}

TEST_F(Http2ServerTest, TakesTheAuthorityFromHostIfThereIsNoOther) {
  std::string authority;
  respondWith([&](ServerRequest& request, ResponseWriter& response) -> Task<void> {
    authority = request.head.authority;
    EXPECT_FALSE(request.head.headers.find("host"));
    sendText(response, 200, "");
    co_return;
  });
  auto peer = connect();
  peer->headers(1,
                {{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {"host", "h.example"}},
                NGHTTP2_FLAG_END_STREAM);
  EXPECT_EQ(peer->readMessage(1).status(), "200");
  EXPECT_EQ(authority, "h.example");
}

TEST_F(Http2ServerTest, EchoesStreamsBiggerThanAllWindows) {
  respondWith([](ServerRequest& request, ResponseWriter& response) -> Task<void> {
    response.sendHead({.status = 200, .headers = {}}, std::nullopt);
    for (;;) {
      auto piece = co_await request.body->read();
      if (!piece || !*piece) break;
      if (!co_await response.write(std::move(**piece))) co_return;
    }
    response.finish({});
  });
  auto peer = connect({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 30}});
  peer->windowUpdate(0, 1 << 30);
  std::string content;
  while (content.size() < 5'000'000) content += std::to_string(content.size()) + ",";
  peer->request(1, "POST", "/", {}, false);
  peer->content(1, content, true);
  const TestMessage answer = peer->readMessage(1, Http2TestPeer::Credit::kKeep);
  EXPECT_EQ(answer.content.size(), content.size());
  EXPECT_TRUE(answer.content == content);
}

TEST_F(Http2ServerTest, GivesNoCreditForContentThatNobodyReads) {
  Event may_read;
  respondWith([&](ServerRequest& request, ResponseWriter& response) -> Task<void> {
    co_await may_read.wait();
    const auto body = co_await readBody(*request.body);
    sendText(response, 200, std::to_string(body ? body->size() : 0));
  });
  limits_.body_read_ahead_bytes = 20'000;
  auto peer = connect();
  (void)peer->readUntilPong();
  peer->request(1, "POST", "/", {}, false);
  ASSERT_EQ(peer->window(1), 20'000);
  peer->content(1, std::string(20'000, 'x'), false);
  for (const TestFrame& frame : peer->readUntilPong()) {
    EXPECT_FALSE(frame.type == NGHTTP2_WINDOW_UPDATE && frame.stream == 1);
  }
  group_->runOn(0, [&](net::Shard&) { may_read.set(); });
  peer->content(1, std::string(30'000, 'y'), true);
  EXPECT_EQ(peer->readMessage(1).content, "50000");
}

TEST_F(Http2ServerTest, HoldsTheWriterBackWhileTheClientTakesNothing) {
  std::atomic<std::size_t> written = 0;
  limits_.unsent_bytes_high_water = 32 * 1024;
  respondWith([&](ServerRequest&, ResponseWriter& response) -> Task<void> {
    response.sendHead({.status = 200, .headers = {}}, std::nullopt);
    const std::string piece(10'000, 'p');
    for (int i = 0; i < 100; ++i) {
      if (!co_await response.write(asBytes(piece))) co_return;
      written += piece.size();
    }
    response.finish({});
  });
  auto peer = connect({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1000}});
  peer->request(1, "GET", "/");
  (void)peer->readType(NGHTTP2_DATA);
  (void)peer->readUntilPong();
  EXPECT_GT(written, 0U);
  EXPECT_LE(written, 1000U + 32 * 1024U);
  peer->windowUpdate(1, 2'000'000);
  const TestMessage rest = peer->readMessage(1);
  EXPECT_EQ(rest.content.size(), 1'000'000U - 1000U);
  EXPECT_FALSE(rest.reset);
}

TEST_F(Http2ServerTest, CarriesTrailersBothWays) {
  respondWith([](ServerRequest& request, ResponseWriter& response) -> Task<void> {
    const auto body = co_await readBody(*request.body);
    Headers trailers;
    trailers.add("x-echo", request.body->trailers().find("x-sum").value_or("none"));
    response.sendHead({.status = 200, .headers = {}}, std::nullopt);
    (void)co_await response.write(Bytes::copyOf(body.value_or("failed")));
    response.finish(trailers);
  });
  auto peer = connect();
  peer->request(1, "POST", "/", {}, false);
  peer->data(1, "abc", false);
  peer->headers(1, {{"x-sum", "42"}}, NGHTTP2_FLAG_END_STREAM);
  const TestMessage answer = peer->readMessage(1);
  EXPECT_EQ(answer.content, "abc");
  EXPECT_EQ(answer.trailers, (TestFields{{"x-echo", "42"}}));
}

TEST_F(Http2ServerTest, RefusesTrailersThatChangeTheMessage) {
  respondWith([](ServerRequest& request, ResponseWriter& response) -> Task<void> {
    (void)co_await readBody(*request.body);
    sendText(response, 200, "");
  });
  auto peer = connect();
  peer->request(1, "POST", "/", {}, false);
  peer->headers(1, {{"content-length", "3"}}, NGHTTP2_FLAG_END_STREAM);
  EXPECT_EQ(peer->readMessage(1).reset, NGHTTP2_PROTOCOL_ERROR);
}

TEST_F(Http2ServerTest, SendsNoContentWhereThereMustBeNone) {
  respondWith([](ServerRequest& request, ResponseWriter& response) -> Task<void> {
    const std::uint16_t status = request.head.path == "/204"   ? 204
                                 : request.head.path == "/304" ? 304
                                                               : 200;
    response.sendHead({.status = status, .headers = {}}, 5);
    EXPECT_TRUE(co_await response.write(Bytes::copyOf("hello")));
    response.finish({});
  });
  auto peer = connect();
  peer->request(1, "HEAD", "/");
  const TestMessage head = peer->readMessage(1);
  EXPECT_EQ(head.field("content-length"), "5");
  EXPECT_EQ(head.content, "");
  peer->request(3, "GET", "/204");
  const TestMessage no_content = peer->readMessage(3);
  EXPECT_EQ(no_content.field("content-length"), "");
  EXPECT_EQ(no_content.content, "");
  peer->request(5, "GET", "/304");
  EXPECT_EQ(peer->readMessage(5).content, "");
}

TEST_F(Http2ServerTest, SaysContinueWhenTheBodyIsFirstWanted) {
  respondWith([](ServerRequest& request, ResponseWriter& response) -> Task<void> {
    if (request.head.path == "/no") {
      sendText(response, 403, "");
      co_return;
    }
    EXPECT_FALSE(request.head.headers.find("expect"));
    const auto body = co_await readBody(*request.body);
    sendText(response, 200, body.value_or("failed"));
  });
  auto peer = connect();
  peer->request(1, "POST", "/", {{"expect", "100-continue"}}, false);
  const auto informational = peer->readType(NGHTTP2_HEADERS);
  ASSERT_TRUE(informational);
  EXPECT_EQ(informational->fields, (TestFields{{":status", "100"}}));
  peer->data(1, "now", true);
  EXPECT_EQ(peer->readMessage(1).content, "now");

  peer->request(3, "POST", "/no", {{"expect", "100-continue"}}, false);
  const TestMessage refused = peer->readMessage(3);
  EXPECT_EQ(refused.status(), "403");
  EXPECT_TRUE(refused.informational.empty());
}

TEST_F(Http2ServerTest, TellsTheClientToStopABodyThatIsNotWanted) {
  auto peer = connect();
  peer->request(1, "POST", "/", {}, false);
  EXPECT_EQ(peer->readMessage(1).content, "hello");
  const auto reset = peer->readType(NGHTTP2_RST_STREAM);
  ASSERT_TRUE(reset);
  EXPECT_EQ(reset->errorCode(), NGHTTP2_NO_ERROR);
}

TEST_F(Http2ServerTest, DestroysTheHandlerOfAResetStreamOnly) {
  std::atomic<int> destroyed = 0;
  Event go_on;
  respondWith([&](ServerRequest& request, ResponseWriter& response) -> Task<void> {
    const OnDestruction guard{destroyed};
    if (request.head.path == "/wait") co_await go_on.wait();
    sendText(response, 200, "done");
  });
  auto peer = connect();
  peer->request(1, "GET", "/wait");
  peer->request(3, "GET", "/wait");
  (void)peer->readUntilPong();
  peer->reset(1, NGHTTP2_CANCEL);
  (void)peer->readUntilPong();
  EXPECT_EQ(destroyed, 1);
  group_->runOn(0, [&](net::Shard&) { go_on.set(); });
  EXPECT_EQ(peer->readMessage(3).content, "done");
  EXPECT_EQ(log_.lines()[0], "GET /wait 0 0/0 cut");
}

TEST_F(Http2ServerTest, DestroysHandlersWhenTheClientGoes) {
  std::atomic<int> destroyed = 0;
  Event never;
  Event gone;
  respondWith([&](ServerRequest&, ResponseWriter&) -> Task<void> {
    const OnDestruction guard{destroyed};
    co_await never.wait();
  });
  auto peer = connect();
  peer->request(1, "GET", "/");
  (void)peer->readUntilPong();
  peer.reset();
  run([&](net::Shard&) -> Task<void> { co_await running_.empty(); });
  group_->runOn(0, [&](net::Shard&) { connections_.clear(); });
  EXPECT_EQ(destroyed, 1);
  EXPECT_EQ(active_->value(), 0);
}

TEST_F(Http2ServerTest, AnswersForHandlersThatDoNot) {
  respondWith([](ServerRequest& request, ResponseWriter& response) -> Task<void> {
    if (request.head.path == "/abort-early") response.abort();
    if (request.head.path == "/nothing") co_return;
    if (request.head.path.starts_with("/short")) {
      response.sendHead({.status = 200, .headers = {}}, 10);
      (void)co_await response.write(Bytes::copyOf("four"));
      if (request.head.path == "/short-abort") response.abort();
      if (request.head.path == "/short-finish") response.finish({});
    }
    if (request.head.path == "/long") {
      response.sendHead({.status = 200, .headers = {}}, 2);
      EXPECT_FALSE(co_await response.write(Bytes::copyOf("four")));
    }
    if (request.head.path == "/bad-field") {
      ResponseHead head;
      head.headers.add("x", "a\r\nb");
      response.sendHead(head, std::nullopt);
    }
  });
  auto peer = connect();
  peer->request(1, "GET", "/nothing");
  EXPECT_EQ(peer->readMessage(1).status(), "500");
  peer->request(3, "GET", "/abort-early");
  EXPECT_EQ(peer->readMessage(3).status(), "502");
  peer->request(5, "GET", "/bad-field");
  EXPECT_EQ(peer->readMessage(5).status(), "502");
  std::int32_t id = 7;
  for (const char* path : {"/short", "/short-abort", "/short-finish", "/long"}) {
    peer->request(id, "GET", path);
    EXPECT_EQ(peer->readMessage(id).reset, NGHTTP2_INTERNAL_ERROR) << path;
    id += 2;
  }
}

TEST_F(Http2ServerTest, SendsInformationalHeads) {
  respondWith([](ServerRequest&, ResponseWriter& response) -> Task<void> {
    ResponseHead hints{.status = 103, .headers = {}};
    hints.headers.add("link", "</a.css>");
    response.sendHead(hints, std::nullopt);
    EXPECT_FALSE(response.headSent());
    sendText(response, 200, "x");
    co_return;
  });
  auto peer = connect();
  peer->request(1, "GET", "/");
  const TestMessage answer = peer->readMessage(1);
  EXPECT_EQ(answer.informational, std::vector<std::string>{"103"});
  EXPECT_EQ(answer.content, "x");
}

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

TEST_F(Http2ServerTest, LimitsConcurrentStreams) {
  Event never;
  respondWith([&](ServerRequest&, ResponseWriter&) -> Task<void> { co_await never.wait(); });
  limits_.max_concurrent_streams = 3;
  auto peer = connect();
  (void)peer->readUntilPong();  // our acknowledgement has arrived
  for (std::int32_t id = 1; id <= 7; id += 2) peer->request(id, "GET", "/");
  EXPECT_EQ(peer->readGoaway(), NGHTTP2_PROTOCOL_ERROR);
  EXPECT_TRUE(peer->readToEnd());
  EXPECT_LE(requests_->value(), 3U);
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
  Event never;
  respondWith([&](ServerRequest&, ResponseWriter&) -> Task<void> { co_await never.wait(); });
  for (const std::string kind : {"ping", "settings", "empty data"}) {
    auto peer = connect();
    peer->request(1, "POST", "/", {}, false);
    for (int i = 0; i < 3000; ++i) {
      if (kind == "ping") peer->ping("12345678");
      if (kind == "settings") peer->settings({});
      if (kind == "empty data") peer->data(1, "", false);
    }
    const auto ended = peer->readGoaway();
    EXPECT_EQ(ended, NGHTTP2_ENHANCE_YOUR_CALM) << kind;
  }
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
  std::string block = peer->encode(
      {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}});
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
  EXPECT_EQ(log_.lines().size(), 3U);
}

struct Refusal {
  const char* what;
  TestFields fields;
  std::string outcome;  // a status, or "reset"
};

TestFields get(TestFields extra) {
  TestFields fields = {
      {":method", "GET"}, {":scheme", "http"}, {":authority", "a.example"}, {":path", "/"}};
  fields.insert(fields.end(), extra.begin(), extra.end());
  return fields;
}

TEST_F(Http2ServerTest, RefusesRequestsThatMakeNoSense) {
  const std::vector<Refusal> refusals = {
      {"no path", {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}}, "reset"},
      {"no method", {{":scheme", "http"}, {":path", "/"}, {":authority", "a"}}, "reset"},
      {"no scheme", {{":method", "GET"}, {":path", "/"}, {":authority", "a"}}, "reset"},
      {"no authority", {{":method", "GET"}, {":scheme", "http"}, {":path", "/"}}, "reset"},
      {"empty path",
       {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", ""}},
       "reset"},
      {"relative path",
       {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "x"}},
       "reset"},
      {"asterisk", {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "*"}},
       "reset"},
      {"space in path",
       {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/a b"}},
       "reset"},
      {"fragment",
       {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/a#b"}},
       "400"},
      {"foreign scheme",
       {{":method", "GET"}, {":scheme", "ftp"}, {":authority", "a"}, {":path", "/"}},
       "400"},
      {"user information",
       {{":method", "GET"}, {":scheme", "http"}, {":authority", "u@a"}, {":path", "/"}},
       "400"},
      {"CONNECT", {{":method", "CONNECT"}, {":authority", "a:1"}}, "501"},
      {"method", {{":method", "GE T"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}},
       "reset"},
      {"repeated pseudo field", get({{":path", "/2"}}), "reset"},
      {"pseudo field late", get({{"x", "y"}, {":path", "/"}}), "reset"},
      {"unknown pseudo field", get({{":unknown", "x"}}), "reset"},
      {"response's pseudo field", get({{":status", "200"}}), "reset"},
      {"upper case", get({{"X-Upper", "y"}}), "reset"},
      {"line feed in a value", get({{"x", "a\nb"}}), "reset"},
      {"nul in a value", get({{"x", std::string("a\0b", 3)}}), "reset"},
      {"space around a value", get({{"x", " a"}}), "reset"},
      {"space in a name", get({{"x y", "a"}}), "reset"},
      {"connection", get({{"connection", "close"}}), "reset"},
      {"keep-alive", get({{"keep-alive", "1"}}), "reset"},
      {"proxy-connection", get({{"proxy-connection", "x"}}), "reset"},
      {"transfer-encoding", get({{"transfer-encoding", "chunked"}}), "reset"},
      {"upgrade", get({{"upgrade", "h2c"}}), "reset"},
      {"te gzip", get({{"te", "gzip"}}), "reset"},
      {"another host", get({{"host", "b.example"}}), "400"},
      {"content-length of nothing", get({{"content-length", "5"}}), "reset"},
      {"negative content-length", get({{"content-length", "-1"}}), "reset"},
      {"two content-lengths", get({{"content-length", "0"}, {"content-length", "0"}}), "reset"},
      {"unknown expectation", get({{"expect", "the-spanish-inquisition"}}), "417"},
  };
  bool handled = false;
  respondWith([&](ServerRequest&, ResponseWriter& response) -> Task<void> {
    handled = true;
    sendText(response, 200, "");
    co_return;
  });
  auto peer = connect();
  std::int32_t id = 1;
  for (const Refusal& refusal : refusals) {
    peer->headers(id, refusal.fields, NGHTTP2_FLAG_END_STREAM);
    const TestMessage answer = peer->readMessage(id);
    if (refusal.outcome == "reset") {
      EXPECT_EQ(answer.reset, NGHTTP2_PROTOCOL_ERROR) << refusal.what;
    } else {
      EXPECT_EQ(answer.status(), refusal.outcome) << refusal.what;
    }
    EXPECT_FALSE(handled) << refusal.what;
    id += 2;
  }
  peer->headers(id, get({{"host", "a.example"}}), NGHTTP2_FLAG_END_STREAM);
  EXPECT_EQ(peer->readMessage(id).status(), "200");
}

TEST_F(Http2ServerTest, TakesOptionsOfTheServer) {
  auto peer = connect();
  peer->request(1, "OPTIONS", "*");
  EXPECT_EQ(peer->readMessage(1).status(), "200");
}

TEST_F(Http2ServerTest, ResetsStreamsWhoseContentIsNotOfItsLength) {
  respondWith([](ServerRequest& request, ResponseWriter& response) -> Task<void> {
    (void)co_await readBody(*request.body);
    sendText(response, 200, "");
  });
  auto peer = connect();
  peer->request(1, "POST", "/", {{"content-length", "3"}}, false);
  peer->data(1, "four", false);
  EXPECT_EQ(peer->readMessage(1).reset, NGHTTP2_PROTOCOL_ERROR);
  peer->request(3, "POST", "/", {{"content-length", "3"}}, false);
  peer->data(3, "no", true);
  EXPECT_EQ(peer->readMessage(3).reset, NGHTTP2_PROTOCOL_ERROR);
}

struct Violation {
  const char* what;
  std::function<void(Http2TestPeer&)> act;
  std::uint32_t code;
};

TEST_F(Http2ServerTest, EndsConnectionsThatBreakTheProtocol) {
  const std::vector<Violation> violations = {
      {"DATA on an idle stream", [](auto& peer) { peer.data(1, "x", true); },
       NGHTTP2_PROTOCOL_ERROR},
      {"DATA on stream 0", [](auto& peer) { peer.data(0, "x", true); }, NGHTTP2_PROTOCOL_ERROR},
      {"HEADERS on an even stream",
       [](auto& peer) { peer.headers(2, get({}), NGHTTP2_FLAG_END_STREAM); },
       NGHTTP2_PROTOCOL_ERROR},
      {"HEADERS on stream 0",
       [](auto& peer) { peer.headers(0, get({}), NGHTTP2_FLAG_END_STREAM); },
       NGHTTP2_PROTOCOL_ERROR},
      {"another frame inside a header block",
       [](auto& peer) {
         peer.frame(NGHTTP2_HEADERS, 0, 1, peer.encode(get({})));
         peer.ping("12345678");
       },
       NGHTTP2_PROTOCOL_ERROR},
      {"CONTINUATION without HEADERS",
       [](auto& peer) { peer.frame(NGHTTP2_CONTINUATION, 4, 1, ""); }, NGHTTP2_PROTOCOL_ERROR},
      {"an undecodable header block",
       [](auto& peer) { peer.frame(NGHTTP2_HEADERS, 5, 1, "\xff\xff\xff\xff\xff\xff\xff"); },
       NGHTTP2_COMPRESSION_ERROR},
      {"RST_STREAM on an idle stream", [](auto& peer) { peer.reset(1, 0); },
       NGHTTP2_PROTOCOL_ERROR},
      {"WINDOW_UPDATE of 0 for the connection", [](auto& peer) { peer.windowUpdate(0, 0); },
       NGHTTP2_PROTOCOL_ERROR},
      {"a window beyond its maximum", [](auto& peer) { peer.windowUpdate(0, 0x7fffffff); },
       NGHTTP2_FLOW_CONTROL_ERROR},
      {"a frame above the maximum size",
       [](auto& peer) { peer.frame(NGHTTP2_DATA, 0, 1, std::string(16385, 'x')); },
       NGHTTP2_FRAME_SIZE_ERROR},
      {"a PING of 7 bytes", [](auto& peer) { peer.frame(NGHTTP2_PING, 0, 0, "1234567"); },
       NGHTTP2_FRAME_SIZE_ERROR},
      {"SETTINGS with half an entry", [](auto& peer) { peer.frame(NGHTTP2_SETTINGS, 0, 0, "123"); },
       NGHTTP2_FRAME_SIZE_ERROR},
      {"SETTINGS on a stream", [](auto& peer) { peer.frame(NGHTTP2_SETTINGS, 0, 1, ""); },
       NGHTTP2_PROTOCOL_ERROR},
      {"an initial window beyond the maximum",
       [](auto& peer) { peer.settings({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0x80000000U}}); },
       NGHTTP2_FLOW_CONTROL_ERROR},
      {"PUSH_PROMISE of a client",
       [](auto& peer) { peer.frame(NGHTTP2_PUSH_PROMISE, 4, 1, std::string(4, '\2')); },
       NGHTTP2_PROTOCOL_ERROR},
      {"padding longer than the frame",
       [](auto& peer) {
         peer.request(1, "POST", "/", {}, false);
         peer.frame(NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1, "\x40short");
       },
       NGHTTP2_PROTOCOL_ERROR},
      {"trailers that do not end the stream",
       [](auto& peer) {
         peer.request(1, "POST", "/wait", {}, false);
         peer.headers(1, {{"x", "y"}}, 0);
         peer.ping("12345678");
         peer.data(0, "", false);  // so that there is an end to see
       },
       NGHTTP2_PROTOCOL_ERROR},
  };
  for (const Violation& violation : violations) {
    auto peer = connect();
    violation.act(*peer);
    EXPECT_EQ(peer->readGoaway(), violation.code) << violation.what;
    EXPECT_TRUE(peer->readToEnd()) << violation.what;
  }
  EXPECT_GE(protocol_errors_->value(), violations.size());
}

TEST_F(Http2ServerTest, EndsConnectionsThatSpeakSomethingElse) {
  Http2TestPeer peer(Http2TestPeer::connectSocket(listen()));
  peer.raw("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n");
  EXPECT_EQ(peer.readGoaway(), NGHTTP2_PROTOCOL_ERROR);
  EXPECT_TRUE(peer.readToEnd());
}

TEST_F(Http2ServerTest, IgnoresFramesItDoesNotKnow) {
  auto peer = connect();
  peer->frame(0x77, 0xff, 0, "whatever");
  peer->request(1, "GET", "/");
  EXPECT_EQ(peer->readMessage(1).content, "hello");
}

TEST_F(Http2ServerTest, EndsIdleConnections) {
  limits_.idle_timeout = milliseconds(50);
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
  limits_.header_timeout = milliseconds(50);
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

TEST_F(Http2ServerTest, CountsAndLogsExchanges) {
  respondWith([](ServerRequest& request, ResponseWriter& response) -> Task<void> {
    (void)co_await readBody(*request.body);
    sendText(response, 201, "abc");
  });
  auto peer = connect();
  peer->request(1, "PUT", "/log", {}, false);
  peer->data(1, "12345", true);
  EXPECT_EQ(peer->readMessage(1).status(), "201");
  (void)peer->readUntilPong();
  EXPECT_EQ(log_.lines(), std::vector<std::string>{"PUT /log 201 5/3 complete"});
  EXPECT_EQ(requests_->value(), 1U);
  EXPECT_EQ(active_->value(), 0);
}

std::string outputOf(const std::string& command) {
  std::string text;
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return text;
  char buffer[4096];
  while (const std::size_t count = std::fread(buffer, 1, sizeof buffer, pipe)) {
    text.append(buffer, count);
  }
  ::pclose(pipe);
  return text;
}

TEST_F(Http2ServerTest, ServesForeignClients) {
  respondWith([](ServerRequest& request, ResponseWriter& response) -> Task<void> {
    const auto body = co_await readBody(*request.body);
    sendText(response, 200, "got " + std::to_string(body ? body->size() : 0));
  });
  const std::string url = "http://127.0.0.1:" + std::to_string(listen()) + "/";
  const std::string upload = "head -c 3000000 /dev/zero | ";
  if (std::system("command -v curl >/dev/null") == 0) {
    EXPECT_EQ(outputOf(upload + "curl -s --max-time 20 --noproxy '*' --http2-prior-knowledge "
                                "--data-binary @- " + url),
              "got 3000000");
  }
  if (std::system("command -v nghttp >/dev/null") == 0) {
    EXPECT_EQ(outputOf(upload + "nghttp -t 20 -d - " + url), "got 3000000");
  }
}

}  // namespace
}  // namespace nimbus::http
