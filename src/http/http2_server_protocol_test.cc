#include "http/http2_server_fixture.h"

namespace nimbus::http {
namespace {

struct Refusal {
  const char* what;
  TestFields fields;
  std::string outcome;  // a status, or "reset"
};

const std::vector<Refusal> kRefusals = {
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
    {"asterisk",
     {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "*"}},
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
    {"method",
     {{":method", "GE T"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}},
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

TEST_F(Http2ServerTest, RefusesRequestsThatMakeNoSense) {
  bool handled = false;
  respondWith([&](ServerRequest&, ResponseWriter& response) -> Task<void> {
    handled = true;
    sendText(response, 200, "");
    co_return;
  });
  auto peer = connect();
  std::int32_t id = 1;
  for (const Refusal& refusal : kRefusals) {
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

const std::vector<Violation> kViolations = {
    {"DATA on an idle stream", [](auto& peer) { peer.data(1, "x", true); }, NGHTTP2_PROTOCOL_ERROR},
    {"DATA on stream 0", [](auto& peer) { peer.data(0, "x", true); }, NGHTTP2_PROTOCOL_ERROR},
    {"HEADERS on an even stream",
     [](auto& peer) { peer.headers(2, get({}), NGHTTP2_FLAG_END_STREAM); }, NGHTTP2_PROTOCOL_ERROR},
    {"HEADERS on stream 0", [](auto& peer) { peer.headers(0, get({}), NGHTTP2_FLAG_END_STREAM); },
     NGHTTP2_PROTOCOL_ERROR},
    {"another frame inside a header block",
     [](auto& peer) {
       peer.frame(NGHTTP2_HEADERS, 0, 1, peer.encode(get({})));
       peer.ping("12345678");
     },
     NGHTTP2_PROTOCOL_ERROR},
    {"CONTINUATION without HEADERS", [](auto& peer) { peer.frame(NGHTTP2_CONTINUATION, 4, 1, ""); },
     NGHTTP2_PROTOCOL_ERROR},
    {"an undecodable header block",
     [](auto& peer) { peer.frame(NGHTTP2_HEADERS, 5, 1, "\xff\xff\xff\xff\xff\xff\xff"); },
     NGHTTP2_COMPRESSION_ERROR},
    {"RST_STREAM on an idle stream", [](auto& peer) { peer.reset(1, 0); }, NGHTTP2_PROTOCOL_ERROR},
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

TEST_F(Http2ServerTest, EndsConnectionsThatBreakTheProtocol) {
  for (const Violation& violation : kViolations) {
    auto peer = connect();
    violation.act(*peer);
    EXPECT_EQ(peer->readGoaway(), violation.code) << violation.what;
    EXPECT_TRUE(peer->readToEnd()) << violation.what;
  }
  EXPECT_GE(protocol_errors_->value(), kViolations.size());
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

}  // namespace
}  // namespace nimbus::http
