#include <cstdio>
#include <cstdlib>

#include "http/http2_server_fixture.h"

namespace nimbus::http {
namespace {

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
      seen +=
          " [" + std::string(head.headers[i].name) + "=" + std::string(head.headers[i].value) + "]";
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
  peer->headers(1, {{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {"host", "h.example"}},
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
    for (const char* name : {"content-length", "expect", "te", "host"}) trailers.add(name, "3");
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

TEST_F(Http2ServerTest, WithoutContentTheLengthIsThatOfAnotherAnswer) {
  respondWith([](ServerRequest& request, ResponseWriter& response) -> Task<void> {
    ResponseHead head;
    if (request.head.path == "/304") head.status = 304;
    if (request.head.path != "/unnamed") head.headers.add("content-length", "5");
    response.sendHead(head, 0);
    response.finish({});
    co_return;
  });
  auto peer = connect();
  peer->request(1, "HEAD", "/");
  EXPECT_EQ(peer->readMessage(1).field("content-length"), "5");
  peer->request(3, "HEAD", "/unnamed");
  EXPECT_EQ(peer->readMessage(3).field("content-length"), "");
  peer->request(5, "GET", "/304");
  EXPECT_EQ(peer->readMessage(5).field("content-length"), "5");
  peer->request(7, "GET", "/");
  EXPECT_EQ(peer->readMessage(7).field(":status"), "502");
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

TEST_F(Http2ServerTest, TellsTheClientToStopOnceItHasSeenAFailure) {
  respondWith([](ServerRequest&, ResponseWriter& response) -> Task<void> {
    sendText(response, 404, "nothing here");
    co_return;
  });
  auto peer = connect();
  peer->request(1, "POST", "/", {}, false);
  EXPECT_EQ(peer->readMessage(1).content, "nothing here");
  const auto ping = peer->readType(NGHTTP2_PING);
  ASSERT_TRUE(ping);
  peer->data(1, std::string(1000, 'x'), false);  // crossed the response
  for (const TestFrame& frame : peer->readUntilPong()) EXPECT_NE(frame.type, NGHTTP2_RST_STREAM);
  EXPECT_EQ(log_.lines().size(), 1U) << "answered, whatever the client goes on to send";
  peer->frame(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, ping->payload);
  const auto reset = peer->readType(NGHTTP2_RST_STREAM);
  ASSERT_TRUE(reset);
  EXPECT_EQ(reset->stream, 1);
  EXPECT_EQ(reset->errorCode(), NGHTTP2_NO_ERROR);
}

TEST_F(Http2ServerTest, ARequestThatEndsSoonAfterItsResponseIsNotReset) {
  auto peer = connect();
  peer->request(1, "POST", "/", {{"content-length", "9"}}, false);
  EXPECT_EQ(peer->readMessage(1).content, "hello");
  peer->data(1, "all of it", true);
  for (const TestFrame& frame : peer->readUntilPong()) EXPECT_NE(frame.type, NGHTTP2_RST_STREAM);
}

TEST_F(Http2ServerTest, TheWholeRestOfAnUploadHasRoomBeforeTheEndOfASuccess) {
  auto peer = connect();
  peer->request(1, "PUT", "/", {{"content-length", "1000000"}}, false);
  std::uint64_t credit = 0;
  for (bool ended = false; !ended;) {
    const auto frame = peer->read();
    ASSERT_TRUE(frame);
    if (frame->type == NGHTTP2_WINDOW_UPDATE && frame->stream == 1) credit += frame->number(0);
    ended = frame->type == NGHTTP2_DATA && frame->endsStream();
  }
  EXPECT_GE(credit + NGHTTP2_INITIAL_WINDOW_SIZE, 1'000'000U);
  for (int i = 0; i < 100; ++i) peer->data(1, std::string(10'000, 'x'), i == 99);
  EXPECT_TRUE(peer->readType(NGHTTP2_PING)) << "so that curl 7.88 looks at the response";
  for (const TestFrame& frame : peer->readUntilPong()) EXPECT_NE(frame.type, NGHTTP2_RST_STREAM);
}

TEST_F(Http2ServerTest, TellsAClientToStopThatSendsNothingMore) {
  auto peer = connect();
  peer->request(1, "POST", "/", {{"content-length", "9"}}, false);
  EXPECT_EQ(peer->readMessage(1).content, "hello");
  const auto reset = peer->readType(NGHTTP2_RST_STREAM);
  ASSERT_TRUE(reset);
  EXPECT_EQ(reset->errorCode(), NGHTTP2_NO_ERROR);
}

TEST_F(Http2ServerTest, TellsAClientToStopAtOnceThatHasMoreThanAMebibyteLeft) {
  auto peer = connect();
  peer->request(1, "POST", "/", {{"content-length", "2000000"}}, false);
  EXPECT_EQ(peer->readMessage(1).content, "hello");
  bool reset = false;
  for (const TestFrame& frame : peer->readUntilPong())
    reset = reset || frame.type == NGHTTP2_RST_STREAM;
  EXPECT_TRUE(reset);
}

TEST_F(Http2ServerTest, TellsAClientToStopThatDoesNotAnswerPings) {
  respondWith([](ServerRequest&, ResponseWriter& response) -> Task<void> {
    sendText(response, 404, "nothing here");
    co_return;
  });
  auto peer = connect();
  peer->request(1, "POST", "/", {{"content-length", "9"}}, false);
  EXPECT_EQ(peer->readMessage(1).content, "nothing here");
  EXPECT_TRUE(peer->readType(NGHTTP2_RST_STREAM));
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
  respondWith([&](ServerRequest&, ResponseWriter&) -> Task<void> {
    const OnDestruction guard{destroyed};
    co_await never_.wait();
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
    if (request.head.path == "/bad-status") {
      response.sendHead({.status = 600, .headers = {}}, std::nullopt);
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
  peer->request(7, "GET", "/bad-status");
  EXPECT_EQ(peer->readMessage(7).status(), "502");
  std::int32_t id = 9;
  for (const char* path : {"/short", "/short-abort", "/short-finish", "/long"}) {
    peer->request(id, "GET", path);
    EXPECT_EQ(peer->readMessage(id).reset, NGHTTP2_INTERNAL_ERROR) << path;
    id += 2;
  }
}

// Ten fields.
Headers headersOf(std::size_t bytes_each) {
  Headers headers;
  for (int i = 0; i < 10; ++i) headers.add("x-" + std::to_string(i), std::string(bytes_each, '~'));
  return headers;
}

TEST_F(Http2ServerTest, SendsAllThatAGuestMayHaveInItsFields) {
  respondWith([](ServerRequest&, ResponseWriter& response) -> Task<void> {
    response.sendHead({.status = 200, .headers = headersOf(13'000)}, std::nullopt);
    (void)co_await response.write(Bytes::copyOf("x"));
    response.finish(headersOf(13'000));
  });
  auto peer = connect();
  peer->request(1, "GET", "/");
  const TestMessage answer = peer->readMessage(1);
  EXPECT_EQ(answer.field("x-9").size(), 13'000U);
  EXPECT_EQ(answer.content, "x");
  EXPECT_EQ(answer.trailers.size(), 10U);
}

TEST_F(Http2ServerTest, AnswersForHandlersWhoseFieldsAreTooLarge) {
  respondWith([](ServerRequest& request, ResponseWriter& response) -> Task<void> {
    ResponseHead head;
    if (request.head.path == "/head") head.headers = headersOf(30'000);
    if (request.head.path == "/value") head.headers.add("x", std::string(70'000, '~'));
    if (request.head.path == "/hints") {
      response.sendHead({.status = 103, .headers = headersOf(30'000)}, std::nullopt);
    }
    response.sendHead(head, std::nullopt);
    (void)co_await response.write(Bytes::copyOf("content"));
    response.finish(request.head.path == "/trailers" ? headersOf(30'000) : Headers());
  });
  auto peer = connect();
  peer->request(1, "GET", "/head");
  EXPECT_EQ(peer->readMessage(1).status(), "502");
  peer->request(3, "GET", "/value");
  EXPECT_EQ(peer->readMessage(3).status(), "502");
  peer->request(5, "GET", "/trailers");
  const TestMessage cut = peer->readMessage(5);
  EXPECT_EQ(cut.content, "content");
  EXPECT_EQ(cut.reset, NGHTTP2_INTERNAL_ERROR);
  peer->request(7, "GET", "/hints");
  const TestMessage answer = peer->readMessage(7);
  EXPECT_EQ(answer.content, "content");
  EXPECT_TRUE(answer.informational.empty());
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

TEST_F(Http2ServerTest, TimeThatAHandlerComputesWithoutWaitingCounts) {
  static constexpr auto kBusy = std::chrono::milliseconds(3);
  respondWith([](ServerRequest&, ResponseWriter& response) -> Task<void> {
    const auto until = std::chrono::steady_clock::now() + kBusy;
    while (std::chrono::steady_clock::now() < until) {
    }
    sendText(response, 200, "");
    co_return;
  });
  ExchangeMetrics exchanges;
  for (auto& responses : exchanges.responses) responses = metrics_.counter("responses", "");
  exchanges.duration_seconds = metrics_.histogram("durations", "");
  listen();
  group_->runOn(0, [&](net::Shard&) { environment_->exchange_metrics = &exchanges; });
  auto peer = connect();
  peer->request(1, "GET", "/");
  EXPECT_EQ(peer->readMessage(1).status(), "200");
  (void)peer->readUntilPong();
  EXPECT_EQ(exchanges.duration_seconds->count(), 1U);
  EXPECT_GE(exchanges.duration_seconds->sumSeconds(), std::chrono::duration<double>(kBusy).count());
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
    EXPECT_EQ(outputOf(upload +
                       "curl -s --max-time 20 --noproxy '*' --http2-prior-knowledge "
                       "--data-binary @- " +
                       url),
              "got 3000000");
  }
  if (std::system("command -v nghttp >/dev/null") == 0) {
    EXPECT_EQ(outputOf(upload + "nghttp -t 20 -d - " + url), "got 3000000");
  }
}

}  // namespace
}  // namespace nimbus::http
