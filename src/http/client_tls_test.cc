#include <gtest/gtest.h>

#include "base/sync.h"
#include "http/client_test_server.h"
#include "http/connection.h"
#include "net/socket.h"
#include "net/test_certificates.h"

namespace nimbus::http {
namespace {

using std::chrono::milliseconds;

// A server of our own behind TLS.
class TlsClientTest : public ClientTest, private Handler {
 protected:
  void SetUp() override {
    ClientTest::SetUp();
    net::TlsClientOptions trust;
    trust.system_roots = false;
    trust.extra_ca_paths = {authority_.caPath()};
    tls_ = *net::makeTlsClientContext(trust);
  }

  void TearDown() override {
    if (group_) {
      group_->runOn(0, [this](net::Shard&) {
        client_.reset();
        acceptor_.reset();
        running_.cancelAll();
      });
    }
    ClientTest::TearDown();
  }

  void serve(std::vector<std::string> alpn) {
    context_ = *net::makeTlsServerContext({{certificate_}, "", std::move(alpn)});
    auto sockets = net::listenOn(*net::Endpoint::parse("127.0.0.1:0"), 1);
    port_ = (*sockets)[0]->boundTo().port;
    group_->runOn(0, [&](net::Shard& shard) {
      environment_.emplace(ConnectionEnvironment{shard, *this, server_limits_, nullptr,
                                                 *served_requests_, *errors_, *active_, nullptr});
      acceptor_ = net::makeAcceptor(
          shard, std::move((*sockets)[0]),
          [this](std::unique_ptr<net::Stream> stream) { running_.spawn(run(std::move(stream))); });
    });
  }

  // The first handshake tells the client the protocol; the others wait for one another.
  Task<void> run(std::unique_ptr<net::Stream> stream) {
    came_ += 1;
    if (came_ == held_until_) all_came_.set();
    if (came_ > 1 && held_until_ > 0) co_await all_came_.wait();
    auto secured = co_await context_->accept(std::move(stream), std::chrono::seconds(5));
    if (!secured) co_return;
    const bool http2 = (*secured)->peer().alpn == "h2";
    auto connection = http2 ? makeHttp2Connection(*environment_, *std::move(secured), {})
                            : makeHttp1Connection(*environment_, *std::move(secured), {});
    co_await connection->run();
  }

  Task<void> handle(ServerRequest& request, ResponseWriter& response) override {
    const auto body = co_await readAll(*request.body);
    if (held_until_ > 0) co_await all_came_.wait();
    sendText(response, 200,
             std::string(request.head.version == Version::kHttp2 ? "h2 " : "h1 ") +
                 std::to_string(body ? body->size() : 0));
  }

  Task<void> expectAnswer(std::string text) {
    auto response = co_await client().send(secure("server.example"), nullptr, options_);
    EXPECT_TRUE(response) << (response ? "" : response.error().describe());
    if (response) EXPECT_EQ(co_await readAll((*response)->body()), text);
  }

  RequestHead secure(std::string_view host) const {
    RequestHead head;
    head.method = "POST";
    head.scheme = Scheme::kHttps;
    head.authority = std::string(host) + ":" + std::to_string(port_);
    head.path = "/";
    return head;
  }

  using ClientTest::run;
  net::TestAuthority authority_;
  const net::TlsCertificate certificate_ = authority_.issue("server.example", "DNS:server.example");
  std::uint16_t port_ = 0;
  std::shared_ptr<net::TlsServerContext> context_;
  ServerLimits server_limits_;
  std::shared_ptr<Counter> served_requests_ = metrics_.counter("served", "");
  std::shared_ptr<Counter> errors_ = metrics_.counter("errors", "");
  std::shared_ptr<Gauge> active_ = metrics_.gauge("active", "");
  std::optional<ConnectionEnvironment> environment_;
  std::unique_ptr<net::Acceptor> acceptor_;
  std::size_t held_until_ = 0;  // so many connections have come: no answer before
  std::size_t came_ = 0;
  Event all_came_;
  TaskSet running_;
};

TEST_F(TlsClientTest, ChoosesTheVersionByAlpn) {
  for (const bool http2 : {true, false}) {
    serve(http2 ? std::vector<std::string>{"h2", "http/1.1"}
                : std::vector<std::string>{"http/1.1"});
    run([&](net::Shard&) -> Task<void> {
      for (int i = 0; i < 3; ++i) {
        auto body = bodyOf(std::vector<std::string>(100, std::string(10'000, 'b')));
        auto response = co_await client().send(secure("server.example"), body.get(), options_);
        EXPECT_TRUE(response) << (response ? "" : response.error().describe());
        if (!response) co_return;
        EXPECT_EQ(co_await readAll((*response)->body()), http2 ? "h2 1000000" : "h1 1000000");
      }
      EXPECT_EQ(opened(), http2 ? 1U : 2U);
    });
    group_->runOn(0, [this](net::Shard&) {
      acceptor_.reset();
      running_.cancelAll();
    });
  }
}

TEST_F(TlsClientTest, OpensOneConnectionForManyRequestsAtOnce) {
  serve({"h2", "http/1.1"});
  run([&](net::Shard& shard) -> Task<void> {
    std::vector<Task<Result<std::unique_ptr<ClientResponse>>>> calls;
    for (int i = 0; i < 20; ++i) {
      calls.push_back(client().send(secure("server.example"), nullptr, options_));
      calls.back().start();
    }
    for (auto& call : calls) {
      while (!call.done()) co_await shard.sleepFor(milliseconds(1));
      auto response = call.take();
      EXPECT_TRUE(response);
      if (response) EXPECT_EQ(co_await readAll((*response)->body()), "h2 0");
    }
    EXPECT_EQ(opened(), 1U);
  });
}

TEST_F(TlsClientTest, OpensAllConnectionsAtOnceWhenOneHasShownThatTheServerSpeaksHttp1) {
  constexpr std::size_t kRequests = 20;
  held_until_ = kRequests;
  options_.connect_timeout = std::chrono::seconds(10);  // in case they come one after the other
  serve({"http/1.1"});
  run([&](net::Shard&) -> Task<void> {
    TaskSet calls;
    for (std::size_t i = 0; i < kRequests; ++i) calls.spawn(expectAnswer("h1 0"));
    co_await calls.empty();
    EXPECT_EQ(opened(), kRequests);
  });
}

TEST_F(TlsClientTest, WhoWaitsForTheProtocolThenWaitsForAConnectionNoLongerThanAllowed) {
  limits_.max_connections_per_key = 1;
  limits_.permit_wait = milliseconds(30);
  held_until_ = 2;
  options_.connect_timeout = std::chrono::seconds(10);
  serve({"http/1.1"});
  run([&](net::Shard&) -> Task<void> {
    auto first = client().send(secure("server.example"), nullptr, options_);
    EXPECT_FALSE(first.start());
    auto second = co_await client().send(secure("server.example"), nullptr, options_);
    EXPECT_FALSE(second);
    if (!second) EXPECT_EQ(second.error().code(), ErrorCode::kUnavailable);
    EXPECT_FALSE(first.done());
  });
}

TEST_F(TlsClientTest, RefusesServersThatAreNotWhoTheyShouldBe) {
  serve({"h2"});
  resolver_.add("other.example", {*net::IpAddress::parse("127.0.0.1")});
  run([&](net::Shard&) -> Task<void> {
    options_.stage = &stage_;
    auto response = co_await client().send(secure("other.example"), nullptr, options_);
    EXPECT_FALSE(response);
    EXPECT_EQ(stage_, ClientStage::kCertificate);
    if (!response) EXPECT_EQ(response.error().code(), ErrorCode::kProtocol);
  });
}

TEST_F(TlsClientTest, GivesUpHandshakesThatTakeTooLong) {
  script([](ScriptServer& server) { EXPECT_FALSE(server.accept().read(100'000).empty()); });
  port_ = server_.port();
  run([&](net::Shard&) -> Task<void> {
    options_.connect_timeout = milliseconds(50);
    options_.stage = &stage_;
    auto response = co_await client().send(secure("server.example"), nullptr, options_);
    EXPECT_FALSE(response);
    EXPECT_EQ(stage_, ClientStage::kHandshake);
    if (!response) EXPECT_EQ(response.error().code(), ErrorCode::kDeadlineExceeded);
  });
}

}  // namespace
}  // namespace nimbus::http
