#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>

#include "http/http1_test_support.h"
#include "http/server.h"
#include "net/socket.h"
#include "net/test_certificates.h"

namespace nimbus::http {
namespace {

using namespace std::chrono_literals;

// A server that speaks TLS on a real loopback socket, on the shard of its clients.
class ServerTlsTest : public HttpTest {
 protected:
  void SetUp() override {
    HttpTest::SetUp();
    net::TlsClientOptions trust;
    trust.system_roots = false;
    trust.extra_ca_paths = {authority_.caPath()};
    client_context_ = *net::makeTlsClientContext(trust);
    options_.tls = *net::makeTlsServerContext({.certificates = {certificate_},
                                               .client_ca_path = "",
                                               .alpn = {"h2", "http/1.1", "http/1.0"}});
  }
  void TearDown() override {
    if (group_) group_->runOn(0, [this](net::Shard&) { server_.reset(); });
  }

  void serve(net::Shard& shard, HandleFunction handle) {
    handler_.emplace(std::move(handle));
    auto sockets = net::listenOn(*net::Endpoint::parse("127.0.0.1:0"), 1);
    where_ = sockets->front()->boundTo();
    server_ = makeServer(shard, std::move(sockets->front()), *handler_, options_, *log_, metrics_);
  }
  Task<std::unique_ptr<net::Stream>> connectPlain(net::Shard& shard) {
    co_return *co_await net::connectTo(shard, where_);
  }
  Task<std::unique_ptr<net::Stream>> connect(net::Shard& shard,
                                             std::vector<std::string> alpn = {}) {
    auto stream = co_await client_context_->connect(co_await connectPlain(shard), "server.example",
                                                    std::move(alpn));
    EXPECT_TRUE(stream) << stream.error().describe();
    co_return *std::move(stream);
  }
  // What comes until the server ends TLS; an error if it ends without doing so.
  static Task<Result<std::string>> answerTo(net::Stream& stream, std::string request) {
    if (!request.empty()) CO_TRY_VOID(co_await stream.writeAll(asBytes(request)));
    std::string text;
    for (std::array<std::uint8_t, 16 * 1024> buffer;;) {
      CO_TRY(const std::size_t count, co_await stream.read(buffer));
      if (count == 0) co_return text;
      text.append(asText(std::span(buffer).first(count)));
    }
  }

  net::TestAuthority authority_;
  const net::TlsCertificate certificate_ = authority_.issue("server.example", "DNS:server.example");
  std::shared_ptr<net::TlsClientContext> client_context_;
  ServerOptions options_;
  std::optional<FunctionHandler> handler_;
  std::unique_ptr<Logger> log_ = makeNullLogger();
  MetricRegistry metrics_;
  net::Endpoint where_;
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTlsTest, EveryEndThatIsNoAbortEndsTls) {
  run([this](net::Shard& shard) -> Task<void> {
    options_.limits.idle_timeout = 50ms;
    serve(shard, [](ServerRequest& request, ResponseWriter& response) -> Task<void> {
      const bool whole = request.head.version != Version::kHttp10;
      response.sendHead({}, whole ? std::optional<std::uint64_t>(4) : std::nullopt);
      EXPECT_TRUE(co_await response.write(asBytes("done")));
      response.finish({});
    });
    for (const std::string request : {"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
                                      "GET / HTTP/1.0\r\n\r\n", kGet}) {
      auto client = co_await connect(shard);
      const auto answer = co_await answerTo(*client, request);
      EXPECT_TRUE(answer && answer->ends_with("\r\n\r\ndone")) << request;
    }
    auto silent = co_await connect(shard);
    EXPECT_TRUE(co_await answerTo(*silent, ""));
  });
}

TEST_F(ServerTlsTest, AnAbortDoesNotEndTls) {
  run([this](net::Shard& shard) -> Task<void> {
    serve(shard, [](ServerRequest&, ResponseWriter& response) -> Task<void> {
      response.sendHead({}, std::nullopt);
      EXPECT_TRUE(co_await response.write(asBytes("part")));
      response.abort();
    });
    for (const std::string request : {"GET / HTTP/1.0\r\n\r\n", kGet}) {
      auto client = co_await connect(shard);
      EXPECT_FALSE(co_await answerTo(*client, request)) << request;
    }
  });
}

TEST_F(ServerTlsTest, AnswersThoseWhoOnlyOfferHttp10) {
  run([this](net::Shard& shard) -> Task<void> {
    serve(shard, echoHandler);
    auto client = co_await connect(shard, {"http/1.0"});
    EXPECT_EQ(client->peer().alpn, "http/1.0");
    const auto answer = co_await answerTo(*client, "GET / HTTP/1.0\r\n\r\n");
    EXPECT_TRUE(answer.value_or("").starts_with("HTTP/1.1 200 "));
  });
}

TEST_F(ServerTlsTest, ADrainDoesNotWaitForOneThatDoesNotSetUpTls) {
  run([this](net::Shard& shard) -> Task<void> {
    serve(shard, echoHandler);
    auto silent = co_await connectPlain(shard);
    while (server_->connectionCount() == 0) co_await shard.sleepFor(1ms);
    auto queued = co_await connectPlain(shard);
    const TimePoint began = shard.now();
    co_await server_->drain(10s);
    EXPECT_EQ(server_->connectionCount(), 0U);
    EXPECT_LT(shard.now() - began, 5s);
  });
}

TEST_F(ServerTlsTest, OneThatDoesNotSetUpTlsKeepsNobodyOut) {
  run([this](net::Shard& shard) -> Task<void> {
    options_.limits.max_connections = 1;
    options_.when_full = WhenFull::kEndLongestIdle;
    serve(shard, echoHandler);
    auto silent = co_await connectPlain(shard);
    while (server_->connectionCount() == 0) co_await shard.sleepFor(1ms);
    auto client = co_await connect(shard);
    const auto answer =
        co_await answerTo(*client, "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    EXPECT_TRUE(answer.value_or("").starts_with("HTTP/1.1 200 "));
    std::array<std::uint8_t, 1> none;
    EXPECT_EQ((co_await silent->read(none)).value_or(0), 0U);
  });
}

TEST_F(ServerTlsTest, WhoSetsUpTlsDuringADrainIsAnswered) {
  run([this](net::Shard& shard) -> Task<void> {
    serve(shard, echoHandler);
    auto plain = co_await connectPlain(shard);
    while (server_->connectionCount() == 0) co_await shard.sleepFor(1ms);
    TaskSet tasks;
    tasks.spawn(server_->drain(10s));
    auto client = co_await client_context_->connect(std::move(plain), "server.example", {});
    EXPECT_TRUE(client);
    const auto answer = co_await answerTo(**client, kGet);
    EXPECT_TRUE(answer.value_or("").starts_with("HTTP/1.1 200 "));
    client->reset();
    co_await tasks.empty();
  });
}

}  // namespace
}  // namespace nimbus::http
