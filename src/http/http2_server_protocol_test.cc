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
    {"another port", get({{"host", "a.example:443"}}), "400"},
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
  for (const char* host : {"a.example", "A.Example", "a.example:80", "a.example."}) {
    peer->headers(id, get({{"host", host}}), NGHTTP2_FLAG_END_STREAM);
    EXPECT_EQ(peer->readMessage(id).status(), "200") << host;
    id += 2;
  }
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
    {"HEADERS on a stream that was passed over",
     [](auto& peer) {
       peer.request(5, "GET", "/wait");
       peer.request(3, "GET", "/wait");
     },
     NGHTTP2_PROTOCOL_ERROR},
    {"a PRIORITY of 4 bytes",
     [](auto& peer) { peer.frame(NGHTTP2_PRIORITY, 0, 1, std::string(4, '\0')); },
     NGHTTP2_FRAME_SIZE_ERROR},
    {"CONTINUATION after the end of a head",
     [](auto& peer) {
       peer.request(1, "GET", "/wait");
       peer.frame(NGHTTP2_CONTINUATION, 4, 1, "");
     },
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
    {"PRIORITY on stream 0",
     [](auto& peer) { peer.frame(NGHTTP2_PRIORITY, 0, 0, std::string("\0\0\0\0\x10", 5)); },
     NGHTTP2_PROTOCOL_ERROR},
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

// RFC 9113, sections 5.1, 6.2 to 6.10.
const std::vector<Violation> kFrameViolations = {
    {"content after the end of the request",
     [](auto& peer) {
       peer.request(1, "GET", "/wait");
       peer.data(1, "x", true);
     },
     NGHTTP2_STREAM_CLOSED},
    {"fields after the end of the request",
     [](auto& peer) {
       peer.request(1, "GET", "/wait");
       peer.headers(1, get({}), NGHTTP2_FLAG_END_STREAM);
     },
     NGHTTP2_STREAM_CLOSED},
    {"padding of HEADERS longer than the frame",
     [](auto& peer) {
       peer.frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_PADDED | 5, 1, "\x40" + peer.encode(get({})));
     },
     NGHTTP2_PROTOCOL_ERROR},
    {"RST_STREAM on stream 0", [](auto& peer) { peer.reset(0, 0); }, NGHTTP2_PROTOCOL_ERROR},
    {"RST_STREAM of 3 bytes",
     [](auto& peer) {
       peer.request(1, "POST", "/wait", {}, false);
       peer.frame(NGHTTP2_RST_STREAM, 0, 1, "123");
     },
     NGHTTP2_FRAME_SIZE_ERROR},
    {"SETTINGS acknowledged with content",
     [](auto& peer) { peer.frame(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, "123456"); },
     NGHTTP2_FRAME_SIZE_ERROR},
    {"a push setting that is neither on nor off",
     [](auto& peer) { peer.settings({{NGHTTP2_SETTINGS_ENABLE_PUSH, 2}}); },
     NGHTTP2_PROTOCOL_ERROR},
    {"a maximum frame size below the least",
     [](auto& peer) { peer.settings({{NGHTTP2_SETTINGS_MAX_FRAME_SIZE, 16383}}); },
     NGHTTP2_PROTOCOL_ERROR},
    {"a maximum frame size above the most",
     [](auto& peer) { peer.settings({{NGHTTP2_SETTINGS_MAX_FRAME_SIZE, 16777216}}); },
     NGHTTP2_PROTOCOL_ERROR},
    {"PING on a stream", [](auto& peer) { peer.frame(NGHTTP2_PING, 0, 1, "12345678"); },
     NGHTTP2_PROTOCOL_ERROR},
    {"GOAWAY on a stream",
     [](auto& peer) { peer.frame(NGHTTP2_GOAWAY, 0, 1, std::string(8, '\0')); },
     NGHTTP2_PROTOCOL_ERROR},
    {"WINDOW_UPDATE of 3 bytes", [](auto& peer) { peer.frame(NGHTTP2_WINDOW_UPDATE, 0, 0, "123"); },
     NGHTTP2_FRAME_SIZE_ERROR},
    {"WINDOW_UPDATE of 0 on a stream",
     [](auto& peer) {
       peer.request(1, "POST", "/wait", {}, false);
       peer.windowUpdate(1, 0);
     },
     NGHTTP2_PROTOCOL_ERROR},
    {"WINDOW_UPDATE on an idle stream", [](auto& peer) { peer.windowUpdate(1, 1); },
     NGHTTP2_PROTOCOL_ERROR},
    {"CONTINUATION on another stream",
     [](auto& peer) {
       peer.frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_STREAM, 1, peer.encode(get({})));
       peer.frame(NGHTTP2_CONTINUATION, NGHTTP2_FLAG_END_HEADERS, 3, "");
     },
     NGHTTP2_PROTOCOL_ERROR},
};

// RFC 7541, sections 2.3.3, 4.2, 5.1, 5.2 and 6.3: what follows a request's four pseudo fields.
const std::vector<std::pair<const char*, std::string>> kBadFieldBlocks = {
    {"index 0", "\x80"},
    {"an index beyond both tables", std::string("\xff\x00", 2)},
    {"an index that overflows", "\xff\xff\xff\xff\xff\xff\xff\xff\x7f"},
    {"a table size that is no more at the start", "\x20"},
    {"a table size above the limit", "\x3f\xff\xff\xff\x07"},
    {"a name that is cut", std::string("\x00\x05xy", 4)},
    {"Huffman padding longer than 7 bits", std::string("\x00\x01x\x82\x1f\xff", 6)},
    {"Huffman padding of zeros", std::string("\x00\x01x\x81\x18", 5)},
    {"the end of string in a Huffman string", std::string("\x00\x01x\x84\xff\xff\xff\xff", 8)},
};

// Until the connection ends: a stream that is over may ignore what would else be an error.
Task<void> neverAnswer(ServerRequest&, ResponseWriter&) { co_await Event().wait(); }

TEST_F(Http2ServerTest, EndsConnectionsWhoseFramesMakeNoSense) {
  respondWith(neverAnswer);
  for (const Violation& violation : kFrameViolations) {
    auto peer = connect();
    violation.act(*peer);
    EXPECT_EQ(peer->readGoaway(), violation.code) << violation.what;
    EXPECT_TRUE(peer->readToEnd()) << violation.what;
  }
}

TEST_F(Http2ServerTest, EndsConnectionsWhoseFieldsCannotBeDecoded) {
  for (const auto& [what, block] : kBadFieldBlocks) {
    auto peer = connect();
    peer->frame(NGHTTP2_HEADERS, 5, 1,
                "\x82\x86\x84\x41\x01"
                "a" +
                    block);
    EXPECT_EQ(peer->readGoaway(), NGHTTP2_COMPRESSION_ERROR) << what;
    EXPECT_TRUE(peer->readToEnd()) << what;
  }
}

TEST_F(Http2ServerTest, EndsAStreamAloneWhoseWindowGrowsBeyondItsMaximum) {
  respondWith([](ServerRequest& request, ResponseWriter& response) -> Task<void> {
    if (request.head.path == "/wait") co_await Event().wait();
    sendText(response, 200, "hello");
  });
  auto peer = connect();
  peer->request(1, "POST", "/wait", {}, false);
  peer->windowUpdate(1, 0x7fffffff);
  EXPECT_EQ(peer->readMessage(1).reset, NGHTTP2_FLOW_CONTROL_ERROR);
  peer->request(3, "GET", "/");
  EXPECT_EQ(peer->readMessage(3).content, "hello");
}

TEST_F(Http2ServerTest, IgnoresWhatMustBeIgnored) {
  auto peer = connect();
  peer->settings({{0x7777, 1}});
  peer->frame(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, "87654321");
  peer->frame(NGHTTP2_PRIORITY, 0, 3, std::string("\0\0\0\0\x10", 5));
  peer->request(1, "GET", "/");
  EXPECT_EQ(peer->readMessage(1).content, "hello");
  // What was on its way when a stream ended is no fault of the client.
  peer->windowUpdate(1, 100);
  peer->reset(1, NGHTTP2_CANCEL);
  peer->headers(1, {{"x", "y"}}, NGHTTP2_FLAG_END_STREAM);
  peer->request(7, "GET", "/");
  EXPECT_EQ(peer->readMessage(7).content, "hello");
}

TEST_F(Http2ServerTest, EndsConnectionsThatBreakTheProtocol) {
  respondWith(neverAnswer);
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
