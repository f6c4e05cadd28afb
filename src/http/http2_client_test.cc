#include "http/http2_client.h"

#include <gtest/gtest.h>

#include <atomic>

#include "base/sync.h"
#include "http/client_test_server.h"
#include "http/http2_test_peer.h"
#include "http/http2_valve_stream.h"

namespace nimbus::http {
namespace {

using std::chrono::milliseconds;

class Http2ClientTest : public ClientTest {
 protected:
  void h2Script(std::function<void(Http2TestPeer&)> play, Http2TestPeer::Settings settings = {}) {
    script([play = std::move(play), settings = std::move(settings)](ScriptServer& server) {
      Http2TestPeer peer(server.accept().release());
      EXPECT_TRUE(peer.greet(settings));
      play(peer);
    });
  }

  // By prior knowledge, as gRPC does it.
  RequestHead call(std::string_view method, std::string_view path) const {
    RequestHead head = request(method, path);
    head.headers.add("content-type", "application/grpc");
    return head;
  }
};

TEST_F(Http2ClientTest, SpeaksHttp2ByPriorKnowledgeForGrpc) {
  h2Script([this](Http2TestPeer& peer) {
    const TestMessage asked = peer.readMessage(1);
    EXPECT_EQ(asked.fields, (TestFields{{":method", "POST"},
                                        {":scheme", "http"},
                                        {":authority", authority()},
                                        {":path", "/svc/Method"},
                                        {"te", "trailers"},
                                        {"content-type", "application/grpc"},
                                        {"x-one", "1"}}));
    EXPECT_EQ(asked.content, "question");
    EXPECT_EQ(asked.trailers, (TestFields{{"x-sum", "8"}}));
    peer.headers(1, {{":status", "200"}, {"x-two", "2"}}, 0);
    peer.data(1, "answer", false);
    peer.headers(1, {{"grpc-status", "0"}}, NGHTTP2_FLAG_END_STREAM);
    (void)peer.readToEnd();
  });
  run([&](net::Shard&) -> Task<void> {
    auto body = bodyOf({"ques", "tion"});
    body->trailers_out.add("x-sum", "8");
    RequestHead head = call("POST", "/svc/Method");
    head.headers.add("x-one", "1");
    head.headers.add("connection", "close");
    head.headers.add("transfer-encoding", "chunked");
    auto response = co_await client().send(std::move(head), body.get(), options_);
    EXPECT_TRUE(response);
    if (!response) co_return;
    EXPECT_EQ((*response)->head().status, 200);
    EXPECT_EQ((*response)->head().headers.find("x-two"), "2");
    EXPECT_FALSE((*response)->head().headers.find(":status"));
    EXPECT_EQ(co_await readAll((*response)->body()), "answer");
    EXPECT_EQ((*response)->body().trailers().find("grpc-status"), "0");
    client_.reset();
  });
}

TEST_F(Http2ClientTest, SharesOneConnection) {
  h2Script([](Http2TestPeer& peer) {
    for (std::int32_t id = 1; id <= 5; id += 2) (void)peer.readMessage(id);
    for (std::int32_t id = 5; id >= 1; id -= 2) {
      peer.headers(id, {{":status", std::to_string(200 + id)}}, NGHTTP2_FLAG_END_STREAM);
    }
    EXPECT_TRUE(peer.readToEnd());
  });
  run([&](net::Shard& shard) -> Task<void> {
    std::vector<Task<Result<std::unique_ptr<ClientResponse>>>> calls;
    for (int i = 0; i < 3; ++i) {
      calls.push_back(client().send(call("GET", "/"), nullptr, options_));
      calls.back().start();
    }
    for (int i = 0; i < 3; ++i) {
      while (!calls[std::size_t(i)].done()) co_await shard.sleepFor(milliseconds(1));
      auto response = calls[std::size_t(i)].take();
      EXPECT_TRUE(response);
      if (response) EXPECT_EQ((*response)->head().status, 201 + 2 * i);
    }
    EXPECT_EQ(opened(), 1U);
    client_.reset();
  });
}

TEST_F(Http2ClientTest, OpensAnotherConnectionWhenTheServerTakesNoMoreStreams) {
  for (int i = 0; i < 2; ++i) {
    h2Script(
        [](Http2TestPeer& peer) {
          (void)peer.readMessage(1);
          peer.headers(1, {{":status", "200"}}, 0);
          EXPECT_TRUE(peer.readToEnd());
        },
        {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1}});
  }
  run([&](net::Shard&) -> Task<void> {
    auto first = co_await client().send(call("GET", "/"), nullptr, options_);
    EXPECT_TRUE(first);
    auto second = co_await client().send(call("GET", "/"), nullptr, options_);
    EXPECT_TRUE(second);
    EXPECT_EQ(opened(), 2U);
    client_.reset();
  });
}

TEST_F(Http2ClientTest, SendsOneRequestUntilTheServerHasSaidHowManyItTakes) {
  std::atomic<bool> asked = false;
  script([&](ScriptServer& server) {
    const Http2TestPeer::Settings settings = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1}};
    Http2TestPeer first(server.accept().release());
    while (!asked) std::this_thread::yield();
    EXPECT_TRUE(first.greet(settings));
    (void)first.readMessage(1);
    Http2TestPeer second(server.accept().release());
    EXPECT_TRUE(second.greet(settings));
    (void)second.readMessage(1);
    second.headers(1, {{":status", "202"}}, NGHTTP2_FLAG_END_STREAM);
    first.headers(1, {{":status", "201"}}, NGHTTP2_FLAG_END_STREAM);
    EXPECT_TRUE(first.readToEnd());
    EXPECT_TRUE(second.readToEnd());
  });
  run([&](net::Shard& shard) -> Task<void> {
    auto first = client().send(call("POST", "/"), nullptr, options_);
    first.start();
    auto second = client().send(call("POST", "/"), nullptr, options_);
    second.start();
    while (opened() == 0) co_await shard.sleepFor(milliseconds(1));
    asked = true;
    while (!first.done() || !second.done()) co_await shard.sleepFor(milliseconds(1));
    EXPECT_TRUE(first.take());
    EXPECT_TRUE(second.take());
    EXPECT_EQ(opened(), 2U);
    client_.reset();
  });
}

TEST_F(Http2ClientTest, DoesNotWaitForEverForAServerToSayHowManyItTakes) {
  script([&](ScriptServer& server) {
    Http2TestPeer first(server.accept().release());
    Http2TestPeer second(server.accept().release());
    EXPECT_TRUE(second.greet());
    (void)second.readMessage(1);
    second.headers(1, {{":status", "200"}}, NGHTTP2_FLAG_END_STREAM);
    EXPECT_TRUE(second.readToEnd());
  });
  run([&](net::Shard& shard) -> Task<void> {
    auto silent = client().send(call("POST", "/"), nullptr, options_);
    silent.start();
    while (opened() == 0) co_await shard.sleepFor(milliseconds(1));
    EXPECT_TRUE(co_await client().send(call("POST", "/"), nullptr, options_));
    EXPECT_FALSE(silent.done());
    client_.reset();
    while (!silent.done()) co_await shard.sleepFor(milliseconds(1));
  });
}

std::string settingsBytes(std::string_view entries) {
  return Http2TestPeer::bytesOf(NGHTTP2_SETTINGS, 0, 0, entries);
}

TEST_F(Http2ClientTest, GivesBackWhatItHasNotSentWhenTheServerTakesFewer) {
  run([&](net::Shard& shard) -> Task<void> {
    auto stream = std::make_unique<ValveStream>();
    ValveStream& valve = *stream;
    auto session = Http2ClientSession::start(shard, std::move(stream), 64 * 1024, nullptr);
    valve.feed(settingsBytes({}));
    co_await shard.sleepFor(milliseconds(1));
    EXPECT_TRUE(session->hasRoom());
    valve.letOut(0);
    const RequestHead head = call("POST", "/");
    const ClientRequest request{head, {}, nullptr, options_};
    auto sent = session->exchange(request);
    sent.start();
    co_await shard.sleepFor(milliseconds(1));
    auto waiting = session->exchange(request);
    waiting.start();
    valve.feed(settingsBytes({"\0\x03\0\0\0\x01", 6}));  // one at once
    co_await shard.sleepFor(milliseconds(1));
    EXPECT_FALSE(sent.done());
    EXPECT_TRUE(waiting.done());
    if (waiting.done()) EXPECT_TRUE(waiting.take().may_retry);
    EXPECT_FALSE(session->hasRoom());
    session->shutDown();
    while (!sent.done()) co_await shard.sleepFor(milliseconds(1));
  });
}

TEST_F(Http2ClientTest, RefusesToSendFieldsThatAreTooLarge) {
  h2Script([](Http2TestPeer& peer) {
    const TestMessage asked = peer.readMessage(1);
    EXPECT_EQ(asked.fields.back().second.size(), 60'000U);
    peer.headers(1, {{":status", "200"}}, NGHTTP2_FLAG_END_STREAM);
    EXPECT_EQ(peer.readMessage(3).reset, NGHTTP2_CANCEL);
    EXPECT_TRUE(peer.readToEnd());
  });
  run([&](net::Shard&) -> Task<void> {
    for (const std::size_t bytes : {60'000U, 70'000U}) {
      RequestHead head = call("POST", "/");
      head.headers.add("x-other", std::string(60'000, '~'));
      head.headers.add("x-large", std::string(bytes, '~'));
      auto response = co_await client().send(std::move(head), nullptr, options_);
      EXPECT_EQ(response.has_value(), bytes == 60'000);
      if (!response) EXPECT_EQ(response.error().code(), ErrorCode::kInvalidArgument);
    }
    auto body = bodyOf({"content"});
    body->trailers_out.add("x-large", std::string(70'000, '~'));
    auto response = co_await client().send(call("POST", "/"), body.get(), options_);
    EXPECT_FALSE(response);
    if (!response) EXPECT_EQ(response.error().code(), ErrorCode::kInvalidArgument);
    client_.reset();
  });
}

TEST_F(Http2ClientTest, MovesContentBiggerThanAllWindowsBothWaysAtOnce) {
  static constexpr std::size_t kBytes = 3'000'000;
  h2Script([](Http2TestPeer& peer) {
    const auto head = peer.readType(NGHTTP2_HEADERS);
    EXPECT_TRUE(head);
    peer.headers(1, {{":status", "200"}}, 0);
    std::size_t echoed = 0;
    for (;;) {
      const auto frame = peer.readType(NGHTTP2_DATA);
      if (!frame) break;
      const auto bytes = static_cast<std::uint32_t>(frame->payload.size());
      if (bytes > 0) {
        peer.windowUpdate(0, bytes);
        peer.windowUpdate(1, bytes);
      }
      echoed += bytes;
      peer.content(1, frame->payload, false);
      if (frame->endsStream()) break;
    }
    EXPECT_EQ(echoed, kBytes);
    peer.headers(1, {{"x-echoed", std::to_string(echoed)}}, NGHTTP2_FLAG_END_STREAM);
    EXPECT_TRUE(peer.readToEnd());
  });
  run([&](net::Shard&) -> Task<void> {
    auto body = bodyOf(std::vector<std::string>(300, std::string(kBytes / 300, 'e')));
    auto response = co_await client().send(call("POST", "/"), body.get(), options_);
    EXPECT_TRUE(response);
    if (!response) co_return;
    const auto content = co_await readAll((*response)->body());
    EXPECT_TRUE(content && content->size() == kBytes);
    EXPECT_EQ((*response)->body().trailers().find("x-echoed"), std::to_string(kBytes));
    client_.reset();
  });
}

TEST_F(Http2ClientTest, GivesNoCreditForContentThatNobodyReads) {
  Event may_read;
  h2Script([&](Http2TestPeer& peer) {
    (void)peer.readMessage(1);
    peer.headers(1, {{":status", "200"}}, 0);
    const auto window = static_cast<std::size_t>(peer.window(1));
    peer.content(1, std::string(window, 'w'), false);
    for (const TestFrame& frame : peer.readUntilPong()) {
      EXPECT_FALSE(frame.type == NGHTTP2_WINDOW_UPDATE && frame.stream == 1);
    }
    group_->runOn(0, [&](net::Shard&) { may_read.set(); });
    peer.content(1, std::string(window, 'w'), true);
    EXPECT_TRUE(peer.readToEnd());
  });
  run([&](net::Shard&) -> Task<void> {
    auto response = co_await client().send(call("GET", "/"), nullptr, options_);
    EXPECT_TRUE(response);
    co_await may_read.wait();
    if (!response) co_return;
    const auto content = co_await readAll((*response)->body());
    EXPECT_TRUE(content && content->size() == 512 * 1024);
    client_.reset();
  });
}

TEST_F(Http2ClientTest, HoldsItsContentBackWhileTheServerTakesNone) {
  std::atomic<std::size_t> given = 0;
  h2Script([&](Http2TestPeer& peer) {
    (void)peer.readType(NGHTTP2_DATA);
    (void)peer.readUntilPong();
    EXPECT_LE(given, 65'535U + 64 * 1024U + 2 * 10'000U);
    peer.headers(1, {{":status", "200"}}, NGHTTP2_FLAG_END_STREAM);
    const auto reset = peer.readType(NGHTTP2_RST_STREAM);
    EXPECT_TRUE(reset);
    if (reset) EXPECT_EQ(reset->errorCode(), NGHTTP2_NO_ERROR);
    EXPECT_TRUE(peer.readToEnd());
  });
  run([&](net::Shard&) -> Task<void> {
    const std::string piece(10'000, 'x');
    auto next = [&]() -> Task<Result<std::optional<Bytes>>> {
      given += piece.size();
      co_return Bytes::copyOf(piece);
    };
    ScriptBody body(next);  // without end
    auto response = co_await client().send(call("POST", "/"), &body, options_);
    EXPECT_TRUE(response);
    if (!response) co_return;
    EXPECT_EQ(co_await readAll((*response)->body()), "");
    client_.reset();
  });
}

TEST_F(Http2ClientTest, ResetsWhatIsGivenUp) {
  h2Script([](Http2TestPeer& peer) {
    (void)peer.readMessage(1);
    peer.headers(1, {{":status", "200"}}, 0);
    peer.data(1, "unread", false);
    auto reset = peer.readType(NGHTTP2_RST_STREAM);
    EXPECT_TRUE(reset && reset->stream == 1 && reset->errorCode() == NGHTTP2_CANCEL);
    (void)peer.readMessage(3);
    peer.ping("12345678");
    reset = peer.readType(NGHTTP2_RST_STREAM);
    EXPECT_TRUE(reset && reset->stream == 3 && reset->errorCode() == NGHTTP2_CANCEL);
    (void)peer.readMessage(5);
    peer.headers(5, {{":status", "204"}}, NGHTTP2_FLAG_END_STREAM);
    EXPECT_TRUE(peer.readToEnd());
  });
  run([&](net::Shard& shard) -> Task<void> {
    {
      auto response = co_await client().send(call("GET", "/"), nullptr, options_);
      EXPECT_TRUE(response);
    }
    {
      auto task = client().send(call("GET", "/"), nullptr, options_);
      EXPECT_FALSE(task.start());
      co_await shard.sleepFor(milliseconds(20));
    }
    auto response = co_await client().send(call("GET", "/"), nullptr, options_);
    EXPECT_TRUE(response);
    EXPECT_EQ(opened(), 1U);
    client_.reset();
  });
}

TEST_F(Http2ClientTest, SendsARefusedRequestAgainOnAnotherConnection) {
  std::atomic<bool> first_arrived = false;
  h2Script([&](Http2TestPeer& peer) {
    (void)peer.readMessage(1);
    first_arrived = true;
    peer.frame(NGHTTP2_GOAWAY, 0, 0, std::string(8, '\0'));  // nothing was processed
    EXPECT_TRUE(peer.readToEnd());
  });
  run([&](net::Shard&) -> Task<void> {
    auto sent = client().send(call("POST", "/"), nullptr, options_);
    sent.start();
    // Not before: the other script would take the first connection.
    while (!first_arrived) co_await (*group_)[0].sleepFor(milliseconds(1));
    h2Script([](Http2TestPeer& peer) {
      (void)peer.readMessage(1);
      peer.headers(1, {{":status", "200"}}, NGHTTP2_FLAG_END_STREAM);
      EXPECT_TRUE(peer.readToEnd());
    });
    while (!sent.done()) co_await (*group_)[0].sleepFor(milliseconds(1));
    EXPECT_TRUE(sent.take());
    EXPECT_EQ(opened(), 2U);
    client_.reset();
  });
}

TEST_F(Http2ClientTest, FinishesWhatIsUnderWayAfterGoaway) {
  h2Script([](Http2TestPeer& peer) {
    (void)peer.readMessage(1);
    peer.headers(1, {{":status", "200"}}, 0);
    peer.frame(NGHTTP2_GOAWAY, 0, 0, std::string("\0\0\0\1\0\0\0\0", 8));
    peer.data(1, "kept", true);
    EXPECT_TRUE(peer.readToEnd());
  });
  run([&](net::Shard&) -> Task<void> {
    auto response = co_await client().send(call("GET", "/"), nullptr, options_);
    EXPECT_TRUE(response);
    if (response) EXPECT_EQ(co_await readAll((*response)->body()), "kept");
  });
  finish();
}

struct BadAnswer {
  const char* what;
  std::function<void(Http2TestPeer&, std::int32_t)> play;
  bool in_content = false;
};

constexpr std::uint8_t kEnd = NGHTTP2_FLAG_END_STREAM;

const std::vector<BadAnswer> kBadAnswers = {
    {"no status", [](auto& peer, auto id) { peer.headers(id, {{"x", "y"}}, kEnd); }},
    {"odd status", [](auto& peer, auto id) { peer.headers(id, {{":status", "2OO"}}, kEnd); }},
    {"switching protocols", [](auto& peer, auto id) { peer.headers(id, {{":status", "101"}}, 0); }},
    {"informational at the end",
     [](auto& peer, auto id) { peer.headers(id, {{":status", "100"}}, kEnd); }},
    {"connection field",
     [](auto& peer, auto id) {
       peer.headers(id, {{":status", "200"}, {"connection", "close"}}, kEnd);
     }},
    {"content before a head", [](auto& peer, auto id) { peer.data(id, "x", true); }},
    {"two lengths",
     [](auto& peer, auto id) {
       peer.headers(id, {{":status", "200"}, {"content-length", "1"}, {"content-length", "2"}}, 0);
     }},
    {"a head too large",
     [](auto& peer, auto id) {
       peer.headers(id, {{":status", "200"}, {"x", std::string(70'000, 'x')}}, kEnd);
     }},
    {"too many fields",
     [](auto& peer, auto id) {
       TestFields fields = {{":status", "200"}};
       for (int i = 0; i < 300; ++i) fields.emplace_back("x", "y");
       peer.headers(id, fields, kEnd);
     }},
    {"reset", [](auto& peer, auto id) { peer.reset(id, NGHTTP2_INTERNAL_ERROR); }},
    {"less than its length",
     [](auto& peer, auto id) {
       peer.headers(id, {{":status", "200"}, {"content-length", "5"}}, 0);
       peer.data(id, "four", true);
     },
     true},
    {"more than its length",
     [](auto& peer, auto id) {
       peer.headers(id, {{":status", "200"}, {"content-length", "3"}}, 0);
       peer.data(id, "four", true);
     },
     true},
    {"reset in the middle",
     [](auto& peer, auto id) {
       peer.headers(id, {{":status", "200"}}, 0);
       peer.data(id, "x", false);
       peer.reset(id, NGHTTP2_INTERNAL_ERROR);
     },
     true},
};

TEST_F(Http2ClientTest, RefusesMalformedResponses) {
  script([&](ScriptServer& server) {
    for (const BadAnswer& answer : kBadAnswers) {
      Http2TestPeer peer(server.accept().release());
      EXPECT_TRUE(peer.greet());
      (void)peer.readMessage(1);
      answer.play(peer, 1);
      (void)peer.readToEnd();
    }
  });
  run([&](net::Shard& shard) -> Task<void> {
    for (const BadAnswer& answer : kBadAnswers) {
      auto response = co_await client().send(call("GET", "/"), nullptr, options_);
      bool failed = !response;
      if (response && answer.in_content) {
        failed = !co_await readAll((*response)->body());
      }
      EXPECT_TRUE(failed) << answer.what;
      response = fail(ErrorCode::kCancelled, "");
      client().forget("");  // each has a connection of its own
      while (open_->value() > 0) {
        client().forget("");
        co_await shard.sleepFor(milliseconds(1));
      }
    }
  });
}

TEST_F(Http2ClientTest, SkipsInformationalHeads) {
  h2Script([](Http2TestPeer& peer) {
    (void)peer.readMessage(1);
    peer.headers(1, {{":status", "103"}, {"link", "x"}}, 0);
    peer.headers(1, {{":status", "200"}}, NGHTTP2_FLAG_END_STREAM);
    EXPECT_TRUE(peer.readToEnd());
  });
  run([&](net::Shard&) -> Task<void> {
    auto response = co_await client().send(call("GET", "/"), nullptr, options_);
    EXPECT_TRUE(response);
    if (!response) co_return;
    EXPECT_EQ((*response)->head().status, 200);
    EXPECT_FALSE((*response)->head().headers.find("link"));
    EXPECT_TRUE((*response)->body().empty());
    client_.reset();
  });
}

TEST_F(Http2ClientTest, SkipsOnlySoManyInformationalHeads) {
  h2Script([](Http2TestPeer& peer) {
    const TestFields hints = {{":status", "103"}};
    (void)peer.readMessage(1);
    for (int i = 0; i < kMaxInformational; ++i) peer.headers(1, hints, 0);
    peer.headers(1, {{":status", "200"}}, NGHTTP2_FLAG_END_STREAM);
    (void)peer.readMessage(3);
    for (int i = 0; i <= kMaxInformational; ++i) peer.headers(3, hints, 0);
    const auto reset = peer.readType(NGHTTP2_RST_STREAM);
    EXPECT_TRUE(reset && reset->stream == 3);
    if (reset) EXPECT_EQ(reset->errorCode(), NGHTTP2_ENHANCE_YOUR_CALM);
    EXPECT_TRUE(peer.readToEnd());
  });
  run([&](net::Shard&) -> Task<void> {
    EXPECT_TRUE(co_await client().send(call("POST", "/"), nullptr, options_));
    const auto response = co_await client().send(call("POST", "/"), nullptr, options_);
    EXPECT_FALSE(response);
    if (!response) EXPECT_EQ(response.error().code(), ErrorCode::kProtocol);
    client_.reset();
  });
}

TEST_F(Http2ClientTest, EndsConnectionsOverFloodsOfEmptyContent) {
  const std::array frames = {
      Http2TestPeer::bytesOf(NGHTTP2_DATA, 0, 1, ""),
      Http2TestPeer::bytesOf(NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1, {"\1\0", 2})};
  script([&](ScriptServer& server) {
    for (const std::string& frame : frames) {
      Http2TestPeer peer(server.accept().release());
      EXPECT_TRUE(peer.greet());
      (void)peer.readMessage(1);
      peer.headers(1, {{":status", "200"}}, 0);
      std::string flood;
      for (int i = 0; i < 5000; ++i) flood += frame;
      peer.raw(flood);
      EXPECT_EQ(peer.readGoaway(), NGHTTP2_ENHANCE_YOUR_CALM);
    }
  });
  run([&](net::Shard&) -> Task<void> {
    for (std::size_t i = 0; i < frames.size(); ++i) {
      auto response = co_await client().send(call("GET", "/"), nullptr, options_);
      EXPECT_TRUE(response);
      if (!response) co_return;
      const auto content = co_await readAll((*response)->body());
      EXPECT_EQ(content ? ErrorCode::kInternal : content.error().code(), ErrorCode::kProtocol);
    }
    client_.reset();
  });
}

TEST_F(Http2ClientTest, StopsWaitingAndDoubtsTheConnection) {
  h2Script([](Http2TestPeer& peer) {
    (void)peer.readMessage(1);
    const auto ping = peer.readType(NGHTTP2_PING);
    EXPECT_TRUE(ping);
    EXPECT_TRUE(peer.readToEnd());
  });
  run([&](net::Shard&) -> Task<void> {
    options_.first_byte_timeout = milliseconds(30);
    auto late = co_await client().send(call("GET", "/"), nullptr, options_);
    EXPECT_FALSE(late);
    if (!late) EXPECT_EQ(late.error().code(), ErrorCode::kDeadlineExceeded);
    h2Script([](Http2TestPeer& peer) {
      (void)peer.readMessage(1);
      peer.headers(1, {{":status", "200"}}, 0);
      peer.data(1, "some", false);
      EXPECT_TRUE(peer.readToEnd());
    });
    options_.first_byte_timeout = {};
    options_.between_bytes_timeout = milliseconds(30);
    auto response = co_await client().send(call("GET", "/"), nullptr, options_);
    EXPECT_TRUE(response);
    EXPECT_EQ(opened(), 2U) << "the first connection does not answer";
    if (!response) co_return;
    const auto content = co_await readAll((*response)->body());
    EXPECT_FALSE(content);
    if (!content) EXPECT_EQ(content.error().code(), ErrorCode::kDeadlineExceeded);
    response = fail(ErrorCode::kCancelled, "");
    client_.reset();
  });
}

TEST_F(Http2ClientTest, FailsWithItsContent) {
  h2Script([](Http2TestPeer& peer) {
    const auto reset = peer.readType(NGHTTP2_RST_STREAM);
    EXPECT_TRUE(reset && reset->errorCode() == NGHTTP2_CANCEL);
    EXPECT_TRUE(peer.readToEnd());
  });
  run([&](net::Shard&) -> Task<void> {
    Event go;
    auto failing = [&]() -> Task<Result<std::optional<Bytes>>> {
      co_await go.wait();
      co_return fail(ErrorCode::kTrap, "the guest trapped");
    };
    ScriptBody body(failing);
    auto sent = client().send(call("POST", "/"), &body, options_);
    sent.start();
    co_await (*group_)[0].sleepFor(milliseconds(20));
    go.set();
    while (!sent.done()) co_await (*group_)[0].sleepFor(milliseconds(1));
    auto response = sent.take();
    EXPECT_FALSE(response);
    if (!response) EXPECT_EQ(response.error().code(), ErrorCode::kTrap);
    client_.reset();
  });
}

}  // namespace
}  // namespace nimbus::http
