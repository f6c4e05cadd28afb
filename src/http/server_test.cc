#include "http/server.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "http/http1_test_support.h"
#include "net/socket.h"

namespace nimbus::http {
namespace {

using namespace std::chrono_literals;

constexpr const char* kGetClose = "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";

// A server on a real loopback socket, on one shard, and clients on the same.
class TestServer {
 public:
  TestServer(net::Shard& shard, HandleFunction handle, ServerOptions options = {})
      : shard_(shard), handler_(std::move(handle)), log_(makeNullLogger()) {
    auto sockets = net::listenOn(*net::Endpoint::parse("127.0.0.1:0"), 1);
    EXPECT_TRUE(sockets.has_value());
    where_ = sockets->front()->boundTo();
    server_ = makeServer(shard, std::move(sockets->front()), handler_, std::move(options), *log_,
                         metrics_);
  }

  Task<std::unique_ptr<net::Stream>> connect() {
    auto stream = co_await net::connectTo(shard_, where_);
    EXPECT_TRUE(stream.has_value());
    co_return *std::move(stream);
  }
  Server& server() { return *server_; }
  void destroyServer() { server_.reset(); }
  [[nodiscard]] std::string metrics() const { return metrics_.renderPrometheus(); }
  const net::Endpoint& where() const { return where_; }

 private:
  net::Shard& shard_;
  FunctionHandler handler_;
  std::unique_ptr<Logger> log_;
  MetricRegistry metrics_;
  net::Endpoint where_;
  std::unique_ptr<Server> server_;
};

Task<void> sendAll(net::Stream& stream, std::string text) {
  EXPECT_TRUE(co_await stream.writeAll(asBytes(text)));
}

// Reads until the text so far contains `expected`, or the end.
Task<std::string> readUntil(net::Stream& stream, std::string expected) {
  std::string text;
  while (expected.empty() || text.find(expected) == std::string::npos) {
    std::array<std::uint8_t, 16 * 1024> buffer;
    auto count = co_await stream.read(buffer);
    if (!count || *count == 0) break;
    text.append(asText(std::span(buffer).first(*count)));
  }
  co_return text;
}
Task<std::string> readToEnd(net::Stream& stream) { return readUntil(stream, ""); }

using ServerTest = HttpTest;

TEST_F(ServerTest, AnswersOverASocketAndCounts) {
  run([](net::Shard& shard) -> Task<void> {
    TestServer server(shard, echoHandler);
    auto client = co_await server.connect();
    co_await sendAll(*client, std::string(kGet) + kGet + kGetClose);
    const std::string text = co_await readToEnd(*client);
    std::size_t answers = 0;
    for (std::size_t at = 0; (at = text.find("GET / ", at)) != std::string::npos; ++at) ++answers;
    EXPECT_EQ(answers, 3u) << text;
    const std::string metrics = server.metrics();
    EXPECT_NE(metrics.find("nimbus_http_requests_total{shard=\"0\"} 3"), std::string::npos)
        << metrics;
    EXPECT_NE(metrics.find("nimbus_http_responses_total{class=\"2xx\",shard=\"0\"} 3"),
              std::string::npos)
        << metrics;
    EXPECT_NE(metrics.find("nimbus_http_request_duration_seconds_count{shard=\"0\"} 3"),
              std::string::npos);
    EXPECT_NE(metrics.find("nimbus_http_connections_accepted_total{shard=\"0\"} 1"),
              std::string::npos);
    EXPECT_NE(metrics.find("nimbus_http_requests_active{shard=\"0\"} 0"), std::string::npos);
  });
}

TEST_F(ServerTest, TheOpeningMayComeByteByByte) {
  run([](net::Shard& shard) -> Task<void> {
    TestServer server(shard, echoHandler);
    auto client = co_await server.connect();
    // Begins as the HTTP/2 preface does.
    for (const char c : std::string("PRI * HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")) {
      co_await sendAll(*client, std::string(1, c));
      co_await shard.sleepFor(0ms);
    }
    EXPECT_TRUE((co_await readToEnd(*client)).starts_with("HTTP/1.1 400 "));
    auto post = co_await server.connect();
    co_await sendAll(*post, "P");
    co_await sendAll(*post, "OST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    EXPECT_TRUE((co_await readToEnd(*post)).starts_with("HTTP/1.1 200 "));
  });
}

TEST_F(ServerTest, AStreamingEchoHoldsBackpressure) {
  run([](net::Shard& shard) -> Task<void> {
    TestServer server(shard, [](ServerRequest& request, ResponseWriter& response) -> Task<void> {
      response.sendHead({}, request.body->length());
      while (true) {
        auto piece = co_await request.body->read();
        if (!piece || !*piece) break;
        if (!co_await response.write(**piece)) co_return;
      }
      response.finish({});
    });
    constexpr std::size_t kBytes = 8'000'000;
    auto client = co_await server.connect();
    TaskSet tasks;
    tasks.spawn(sendAll(*client,
                        "POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n"
                        "content-length: " +
                            std::to_string(kBytes) + "\r\n\r\n" + std::string(kBytes, 'x')));
    const std::string text = co_await readToEnd(*client);
    EXPECT_EQ(text.size() - text.find("\r\n\r\n") - 4, kBytes);
  });
}

TEST_F(ServerTest, AVanishingClientCancelsItsHandler) {
  run([](net::Shard& shard) -> Task<void> {
    Event started;
    Event cancelled;
    struct Guard {
      Event& event;
      ~Guard() { event.set(); }
    };
    TestServer server(shard, [&](ServerRequest&, ResponseWriter&) -> Task<void> {
      const Guard guard{cancelled};
      started.set();
      Event event;
      co_await event.wait();
    });
    auto client = co_await server.connect();
    co_await sendAll(*client, kGet);
    co_await started.wait();
    client.reset();
    while (!cancelled.isSet()) co_await shard.sleepFor(1ms);
    while (server.server().connectionCount() > 0) co_await shard.sleepFor(1ms);
  });
}

TEST_F(ServerTest, RefusesConnectionsBeyondTheLimit) {
  run([](net::Shard& shard) -> Task<void> {
    ServerOptions options;
    options.limits.max_connections = 2;
    TestServer server(shard, echoHandler, std::move(options));
    auto first = co_await server.connect();
    auto second = co_await server.connect();
    auto third = co_await server.connect();
    EXPECT_EQ(co_await readToEnd(*third), "");
    EXPECT_EQ(server.server().connectionCount(), 2u);
    co_await sendAll(*second, kGetClose);
    EXPECT_TRUE((co_await readToEnd(*second)).starts_with("HTTP/1.1 200 "));
  });
}

ServerOptions fullAt(std::size_t connections) {
  ServerOptions options;
  options.limits.max_connections = connections;
  options.when_full = WhenFull::kEndLongestIdle;
  return options;
}

TEST_F(ServerTest, ServersOfOneListenerHaveTheLimitTogether) {
  run([](net::Shard& shard) -> Task<void> {
    ServerOptions options;
    options.connections = std::make_shared<ListenerConnections>(2);
    TestServer one(shard, echoHandler, options);
    TestServer other(shard, echoHandler, options);
    auto first = co_await one.connect();
    auto second = co_await one.connect();
    auto third = co_await other.connect();
    EXPECT_EQ(co_await readToEnd(*third), "");
    first.reset();
    while (one.server().connectionCount() > 1) co_await shard.sleepFor(1ms);
    auto fourth = co_await other.connect();
    co_await sendAll(*fourth, kGetClose);
    EXPECT_TRUE((co_await readToEnd(*fourth)).starts_with("HTTP/1.1 200 "));
  });
}

TEST_F(ServerTest, WhereNoneIsIdleTheOtherServersMakeRoomForTheNext) {
  run([](net::Shard& shard) -> Task<void> {
    ServerOptions options = fullAt(1);
    options.connections = std::make_shared<ListenerConnections>(1);
    TestServer one(shard, echoHandler, options);
    TestServer other(shard, echoHandler, options);
    auto idle = co_await one.connect();
    while (one.server().connectionCount() == 0) co_await shard.sleepFor(1ms);
    auto refused = co_await other.connect();
    EXPECT_EQ(co_await readToEnd(*refused), "");
    EXPECT_EQ(co_await readToEnd(*idle), "");
    auto next = co_await other.connect();
    co_await sendAll(*next, kGetClose);
    EXPECT_TRUE((co_await readToEnd(*next)).starts_with("HTTP/1.1 200 "));
  });
}

TEST_F(ServerTest, AFullServerMayEndWhatHasBeenIdleForTheLongest) {
  run([](net::Shard& shard) -> Task<void> {
    TestServer server(shard, echoHandler, fullAt(3));
    auto silent = co_await server.connect();
    co_await shard.sleepFor(2ms);
    auto kept = co_await server.connect();
    co_await sendAll(*kept, kGet);
    co_await readUntil(*kept, "GET / ");
    co_await shard.sleepFor(2ms);
    auto begun = co_await server.connect();
    co_await sendAll(*begun, "GET / HT");
    co_await shard.sleepFor(2ms);
    std::vector<std::unique_ptr<net::Stream>> newer;
    for (net::Stream* const ended : {silent.get(), kept.get(), begun.get()}) {
      auto client = co_await server.connect();
      co_await sendAll(*client, kGetClose);
      EXPECT_TRUE((co_await readToEnd(*client)).starts_with("HTTP/1.1 200 "));
      client.reset();
      while (server.server().connectionCount() > 2) co_await shard.sleepFor(1ms);
      EXPECT_EQ(co_await readToEnd(*ended), "");
      newer.push_back(co_await server.connect());
    }
  });
}

TEST_F(ServerTest, WhoeverHasHadARequestSinceIsEndedAfterThoseWhoHaveNot) {
  run([](net::Shard& shard) -> Task<void> {
    TestServer server(shard, echoHandler, fullAt(4));
    std::vector<std::unique_ptr<net::Stream>> silent;
    for (std::size_t i = 1; i <= 4; ++i) {
      silent.push_back(co_await server.connect());
      while (server.server().connectionCount() < i) co_await shard.sleepFor(1ms);
    }
    // Ends the first, and looks for others that could be ended.
    auto newer = co_await server.connect();
    EXPECT_EQ(co_await readToEnd(*silent[0]), "");
    co_await sendAll(*silent[1], kGet);
    co_await readUntil(*silent[1], "GET / ");
    silent[2].reset();
    while (server.server().connectionCount() > 3) co_await shard.sleepFor(1ms);
    auto in_its_place = co_await server.connect();
    while (server.server().connectionCount() < 4) co_await shard.sleepFor(1ms);
    auto newest = co_await server.connect();
    EXPECT_EQ(co_await readToEnd(*silent[3]), "");
    co_await sendAll(*silent[1], kGetClose);
    EXPECT_TRUE((co_await readToEnd(*silent[1])).starts_with("HTTP/1.1 200 "));
    EXPECT_TRUE(server.metrics().contains("nimbus_http_connections_evicted_total{shard=\"0\"} 2"));
  });
}

Task<void> askAndClose(TestServer& server, std::size_t& answered) {
  auto client = co_await server.connect();
  co_await sendAll(*client, kGetClose);
  if ((co_await readToEnd(*client)).starts_with("HTTP/1.1 200 ")) ++answered;
}

TEST_F(ServerTest, ManyAtOnceTakeThePlacesOfAsManyThatAreSilent) {
  run([](net::Shard& shard) -> Task<void> {
    constexpr std::size_t kPlaces = 200;
    TestServer server(shard, echoHandler, fullAt(kPlaces));
    std::vector<std::unique_ptr<net::Stream>> silent;
    while (silent.size() < kPlaces) silent.push_back(co_await server.connect());
    while (server.server().connectionCount() < kPlaces) co_await shard.sleepFor(1ms);
    std::size_t answered = 0;
    TaskSet clients;
    for (std::size_t i = 0; i < 50; ++i) clients.spawn(askAndClose(server, answered));
    co_await clients.empty();
    EXPECT_EQ(answered, 50u);
    EXPECT_TRUE(server.metrics().contains("nimbus_http_connections_refused_total{shard=\"0\"} 0"));
  });
}

TEST_F(ServerTest, AFullServerEndsNoRequestThatIsUnderWay) {
  run([](net::Shard& shard) -> Task<void> {
    Event answer;
    TestServer server(
        shard,
        [&answer](ServerRequest&, ResponseWriter& response) -> Task<void> {
          co_await answer.wait();
          sendText(response, 200, "late");
        },
        fullAt(2));
    auto first = co_await server.connect();
    auto second = co_await server.connect();
    for (net::Stream* const busy : {first.get(), second.get()}) co_await sendAll(*busy, kGetClose);
    while (!server.metrics().contains("nimbus_http_requests_active{shard=\"0\"} 2"))
      co_await shard.sleepFor(1ms);
    auto refused = co_await server.connect();
    EXPECT_EQ(co_await readToEnd(*refused), "");
    answer.set();
    for (net::Stream* const busy : {first.get(), second.get()})
      EXPECT_TRUE((co_await readToEnd(*busy)).ends_with("late"));
    EXPECT_TRUE(server.metrics().contains("nimbus_http_connections_evicted_total{shard=\"0\"} 0"));
  });
}

TEST_F(ServerTest, AnHttp2ConnectionWithoutStreamsMakesRoomToo) {
  run([](net::Shard& shard) -> Task<void> {
    TestServer server(shard, echoHandler, fullAt(1));
    auto idle = co_await server.connect();
    co_await sendAll(*idle, std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") +
                                std::string("\0\0\0\4\0\0\0\0\0", 9));
    std::array<std::uint8_t, 1024> settings;
    EXPECT_GT((co_await idle->read(settings)).value(), 0u);
    auto client = co_await server.connect();
    co_await sendAll(*client, kGetClose);
    EXPECT_TRUE((co_await readToEnd(*client)).starts_with("HTTP/1.1 200 "));
  });
}

TEST_F(ServerTest, AConnectionThatSaysNothingEnds) {
  run([](net::Shard& shard) -> Task<void> {
    ServerOptions options;
    options.limits.idle_timeout = 20ms;
    options.limits.header_timeout = 20ms;
    TestServer server(shard, echoHandler, std::move(options));
    auto silent = co_await server.connect();
    auto undecided = co_await server.connect();
    co_await sendAll(*undecided, "PRI * HT");
    EXPECT_EQ(co_await readToEnd(*silent), "");
    EXPECT_EQ(co_await readToEnd(*undecided), "");
  });
}

TEST_F(ServerTest, AnOpeningThatDripsHasTheTimeOfOneHead) {
  run([](net::Shard& shard) -> Task<void> {
    ServerOptions options;
    options.limits.header_timeout = 40ms;
    TestServer server(shard, echoHandler, std::move(options));
    auto client = co_await server.connect();
    for (const char c : std::string("PRI * HTTP")) {
      (void)co_await client->writeAll(asBytes(std::string_view(&c, 1)));
      co_await shard.sleepFor(20ms);
    }
    EXPECT_EQ(server.server().connectionCount(), 0U);
  });
}

TEST_F(ServerTest, DrainingWaitsForRunningRequestsAndClosesIdleConnections) {
  run([](net::Shard& shard) -> Task<void> {
    Event go;
    Event started;
    TestServer server(shard, [&](ServerRequest& request, ResponseWriter& response) -> Task<void> {
      if (request.head.path == "/slow") {
        started.set();
        co_await go.wait();
      }
      sendText(response, 200, request.head.path);
    });
    auto idle = co_await server.connect();
    co_await sendAll(*idle, kGet);
    EXPECT_NE((co_await readUntil(*idle, "\r\n\r\n/")), "");
    auto busy = co_await server.connect();
    co_await sendAll(*busy, "GET /slow HTTP/1.1\r\nhost: a\r\n\r\n");
    co_await started.wait();

    bool drained = false;
    TaskSet tasks;
    const auto drain = [&]() -> Task<void> {
      co_await server.server().drain(10s);
      drained = true;
    };
    tasks.spawn(drain());
    EXPECT_EQ(co_await readToEnd(*idle), "");
    EXPECT_FALSE(drained);
    go.set();
    const std::string text = co_await readToEnd(*busy);
    EXPECT_TRUE(text.ends_with("/slow")) << text;
    EXPECT_NE(text.find("connection: close\r\n"), std::string::npos);
    busy.reset();
    co_await tasks.empty();
    EXPECT_TRUE(drained);
    EXPECT_FALSE((co_await net::connectTo(shard, server.where())).has_value());
  });
}

TEST_F(ServerTest, AConnectionAcceptedJustBeforeTheDrainIsServed) {
  run([](net::Shard& shard) -> Task<void> {
    TestServer server(shard, echoHandler);
    auto known = co_await server.connect();
    while (server.server().connectionCount() == 0) co_await shard.sleepFor(1ms);
    auto queued = co_await server.connect();
    TaskSet tasks;
    tasks.spawn(server.server().drain(10s));
    co_await sendAll(*known, kGet);
    co_await sendAll(*queued, kGet);
    for (auto* client : {&known, &queued}) {
      const std::string text = co_await readToEnd(**client);
      EXPECT_TRUE(text.starts_with("HTTP/1.1 200 ")) << text;
      EXPECT_NE(text.find("connection: close\r\n"), std::string::npos);
      client->reset();
    }
    co_await tasks.empty();
  });
}

TEST_F(ServerTest, DrainingEndsAtItsBound) {
  run([](net::Shard& shard) -> Task<void> {
    Event started;
    TestServer server(shard, [&](ServerRequest&, ResponseWriter&) -> Task<void> {
      started.set();
      Event event;
      co_await event.wait();
    });
    auto client = co_await server.connect();
    co_await sendAll(*client, kGet);
    co_await started.wait();
    co_await server.server().drain(20ms);
    EXPECT_EQ(server.server().connectionCount(), 0u);
    EXPECT_EQ(co_await readToEnd(*client), "");
  });
}

TEST_F(ServerTest, DestroyingItClosesEverything) {
  run([](net::Shard& shard) -> Task<void> {
    TestServer server(shard, [](ServerRequest&, ResponseWriter&) -> Task<void> {
      Event event;
      co_await event.wait();
    });
    auto idle = co_await server.connect();
    auto busy = co_await server.connect();
    co_await sendAll(*busy, kGet);
    while (server.server().connectionCount() < 2) co_await shard.sleepFor(1ms);
    server.destroyServer();
    EXPECT_EQ(co_await readToEnd(*idle), "");
    EXPECT_EQ(co_await readToEnd(*busy), "");
  });
}

}  // namespace
}  // namespace nimbus::http
