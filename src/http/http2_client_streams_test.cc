#include "http/http2_client.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "http/client_test_server.h"
#include "http/http2_test_peer.h"
#include "http/http2_valve_stream.h"

namespace nimbus::http {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kWindowBytes = 256 * 1024;  // of each stream
constexpr std::size_t kPieceBytes = 64 * 1024;

// How the streams of one connection share it, and how it is told whether it still is one.
class Http2ClientStreamsTest : public ClientTest {
 protected:
  struct Link {
    std::shared_ptr<Http2ClientSession> session;
    ValveStream& server;
  };

  static Task<void> turns(net::Shard& shard) {
    for (int i = 0; i < 5; ++i) co_await shard.sleepFor(Duration::zero());
  }

  // A connection on which both sides have agreed to the other's SETTINGS.
  static Task<Link> connect(net::Shard& shard) {
    auto stream = std::make_unique<ValveStream>();
    ValveStream& server = *stream;
    auto session = Http2ClientSession::start(shard, std::move(stream), 64 * 1024, nullptr);
    co_await turns(shard);
    server.feed(Http2TestPeer::bytesOf(NGHTTP2_SETTINGS, 0, 0, "") +
                Http2TestPeer::bytesOf(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, ""));
    while (session->willTellRoom()) co_await turns(shard);
    co_return Link{std::move(session), server};
  }

  // Started, and sent when the next turns are over.
  Task<ExchangeResult> ask(const Link& link) const {
    auto asked = link.session->exchange(ClientRequest{head_, {}, nullptr, options_});
    asked.start();
    return asked;
  }

  static std::string responseBytes(std::int32_t stream, std::string_view content) {
    static constexpr std::size_t kFrameBytes = 16 * 1024;
    static constexpr std::string_view kStatus200 = "\x88";  // as the tables of HPACK have it
    std::string bytes =
        Http2TestPeer::bytesOf(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, stream, kStatus200);
    for (; content.size() > kFrameBytes; content.remove_prefix(kFrameBytes))
      bytes += Http2TestPeer::bytesOf(NGHTTP2_DATA, 0, stream, content.substr(0, kFrameBytes));
    bytes += Http2TestPeer::bytesOf(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, stream, content);
    return bytes;
  }

  // The response to a new request, once it is here down to its end; null if it is not to come.
  Task<std::unique_ptr<ClientResponse>> answered(net::Shard& shard, const Link& link,
                                                 std::int32_t stream,
                                                 std::string_view content) const {
    auto asked = ask(link);
    co_await turns(shard);
    link.server.feed(responseBytes(stream, content));
    while (!asked.done() || link.session->streamCount() > 0) co_await turns(shard);
    auto response = asked.take().response;
    EXPECT_TRUE(response) << response.error().describe();
    co_return response ? *std::move(response) : nullptr;
  }

  const RequestHead head_ = [] {
    RequestHead head;
    head.method = "GET";
    head.authority = "server.example";
    head.path = "/";
    return head;
  }();
};

TEST_F(Http2ClientStreamsTest, NoNumberOfUnreadResponsesHoldsUpTheNext) {
  static constexpr std::int32_t kResponses = 80;  // what the connection's window has room for: 64
  static constexpr std::int32_t kMost = 64;       // 16 MiB
  const std::string content(kWindowBytes, 'c');
  run([&](net::Shard& shard) -> Task<void> {
    const Link link = co_await connect(shard);
    std::vector<std::unique_ptr<ClientResponse>> responses;
    for (std::int32_t i = 0; i < kResponses; ++i) {
      responses.push_back(co_await answered(shard, link, 2 * i + 1, content));
      if (!responses.back()) co_return;
      EXPECT_EQ(link.session->hasRoom(), i + 1 < kMost) << i;
    }
    for (std::int32_t i = 0; i < kResponses; ++i) {
      const auto read = co_await readAll(responses[i]->body());
      EXPECT_TRUE(read && *read == content);
      EXPECT_EQ(link.session->hasRoom(), kResponses - i - 1 < kMost) << i;
    }
    link.session->shutDown();
  });
}

TEST_F(Http2ClientStreamsTest, HandsContentOutInPieces) {
  std::string content;
  while (content.size() < kWindowBytes - 1000) content += std::to_string(content.size()) + " ";
  run([&](net::Shard& shard) -> Task<void> {
    const Link link = co_await connect(shard);
    const auto response = co_await answered(shard, link, 1, content);
    if (!response) co_return;
    std::string read;
    while (read.size() < content.size()) {
      const auto piece = co_await response->body().read();
      EXPECT_TRUE(piece && *piece);
      if (!piece || !*piece) co_return;
      EXPECT_EQ((*piece)->size(), std::min(kPieceBytes, content.size() - read.size()));
      read += (*piece)->text();
    }
    EXPECT_TRUE(read == content);
    const auto end = co_await response->body().read();
    EXPECT_TRUE(end && !*end);
    link.session->shutDown();
  });
}

TEST_F(Http2ClientStreamsTest, OpensAnotherConnectionIfOneWasSilentWhenARequestIsGivenUp) {
  script([](ScriptServer& server) {
    Http2TestPeer first(server.accept().release());
    EXPECT_TRUE(first.greet());
    (void)first.readMessage(1);
    first.headers(1, {{":status", "200"}}, NGHTTP2_FLAG_END_STREAM);
    Http2TestPeer second(server.accept().release());
    EXPECT_TRUE(second.greet());
    (void)second.readMessage(1);
    second.headers(1, {{":status", "200"}}, NGHTTP2_FLAG_END_STREAM);
    EXPECT_TRUE(first.readType(NGHTTP2_PING));
    EXPECT_TRUE(first.readToEnd());
    EXPECT_TRUE(second.readToEnd());
  });
  run([&](net::Shard& shard) -> Task<void> {
    RequestHead head = request("POST", "/");
    head.headers.add("content-type", "application/grpc");
    EXPECT_TRUE(co_await client().send(head, nullptr, options_));
    {
      auto lost = client().send(head, nullptr, options_);
      lost.start();
      co_await shard.sleepFor(std::chrono::seconds(1));  // its owner's patience
      EXPECT_FALSE(lost.done());
      EXPECT_EQ(opened(), 1U);
    }
    EXPECT_TRUE(co_await client().send(head, nullptr, options_));
    EXPECT_EQ(opened(), 2U);
    client_.reset();
  });
}

TEST_F(Http2ClientStreamsTest, TrustsAConnectionThatAnswersAPing) {
  run([&](net::Shard& shard) -> Task<void> {
    const Link link = co_await connect(shard);
    for (const bool trusted : {false, true}) {
      for (int i = 0; i < 2; ++i) {  // neither waits for long by itself
        const auto slow = ask(link);
        co_await shard.sleepFor(milliseconds(500));
      }
      EXPECT_EQ(link.session->hasRoom(), trusted);
      co_await turns(shard);
      link.server.feed(Http2TestPeer::bytesOf(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, "12345678"));
      EXPECT_TRUE(link.session->hasRoom());
    }
    link.session->shutDown();
  });
}

TEST_F(Http2ClientStreamsTest, DoesNotSuspectAConnectionThatSaidAnythingMeanwhile) {
  run([&](net::Shard& shard) -> Task<void> {
    const Link link = co_await connect(shard);
    {
      const auto slow = ask(link);
      co_await shard.sleepFor(std::chrono::seconds(1));
      link.server.feed(Http2TestPeer::bytesOf(NGHTTP2_PING, 0, 0, "12345678"));
      EXPECT_FALSE(slow.done());
    }
    EXPECT_TRUE(link.session->hasRoom());
    link.session->shutDown();
  });
}

}  // namespace
}  // namespace nimbus::http
