#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "http/http1_test_support.h"

namespace nimbus::http {
namespace {

// Back-pressure, time-outs, clients that vanish, draining.
using Http1ConnectionLimitsTest = HttpTest;
using namespace std::chrono_literals;

Task<void> never(ServerRequest&, ResponseWriter&) {
  Event event;
  co_await event.wait();
}

TEST_F(Http1ConnectionLimitsTest, WritersWaitWhileMuchIsUnsent) {
  run([](net::Shard& shard) -> Task<void> {
    ServerLimits limits;
    limits.unsent_bytes_high_water = 100 * 1024;
    std::size_t written = 0;
    TestConnection client(
        shard,
        [&](ServerRequest& request, ResponseWriter& response) -> Task<void> {
          response.sendHead({}, std::nullopt);
          const Bytes piece = Bytes::take(std::string(10'000, 'x'));
          const Bytes large = Bytes::take(std::string(100'000, 'y'));
          for (int i = 0; i < 100; ++i) {
            const bool use_large = request.head.path == "/large";
            EXPECT_TRUE(co_await response.write(use_large ? large : piece));
            written += use_large ? large.size() : piece.size();
          }
          response.finish({});
        },
        limits);
    for (const char* path : {"/", "/large"}) {
      client.allow(50'000);
      written = 0;
      client.send(std::string("GET ") + path + " HTTP/1.1\r\nhost: a\r\n\r\n");
      co_await client.settle();
      EXPECT_LE(written, 50'000 + 2 * 100 * 1024u) << path;
      const std::size_t before = written;
      client.allow(300'000);
      co_await client.settle();
      EXPECT_GT(written, before) << path;
      client.allow(SIZE_MAX);
      co_await client.untilOutput("\r\n0\r\n\r\n");
      client.wire().from_server.clear();
    }
  });
}

TEST_F(Http1ConnectionLimitsTest, ALargeBorrowedWriteArrivesWhole) {
  run([](net::Shard& shard) -> Task<void> {
    std::string content;
    for (int i = 0; content.size() < 1'000'000; ++i) content += std::to_string(i);
    TestConnection client(shard, [&](ServerRequest&, ResponseWriter& response) -> Task<void> {
      response.sendHead({}, content.size());
      EXPECT_TRUE(co_await response.write(asBytes(content)));
      response.finish({});
    });
    client.allow(10);
    client.send(kGet);
    for (std::size_t step = 1; client.output().find(content) == std::string::npos; step *= 3) {
      client.allow(step);
      co_await client.settle();
    }
    client.allow(SIZE_MAX);
    client.send(kGet);
    co_await client.until([&] { return client.log.lines.size() == 2; });
  });
}

TEST_F(Http1ConnectionLimitsTest, ReadsAheadOnlySoMuch) {
  run([](net::Shard& shard) -> Task<void> {
    ServerLimits limits;
    limits.body_read_ahead_bytes = 32 * 1024;
    Event go;
    std::size_t received = 0;
    TestConnection client(
        shard,
        [&](ServerRequest& request, ResponseWriter& response) -> Task<void> {
          co_await go.wait();
          while (true) {
            auto piece = co_await request.body->read();
            if (!piece || !*piece) break;
            received += (*piece)->size();
          }
          sendText(response, 200, "done");
        },
        limits);
    client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n");
    client.send(std::string(1'000'000, 'x'));
    co_await client.settle();
    EXPECT_GE(client.wire().to_server.size(), 1'000'000u - 40 * 1024u);
    go.set();
    co_await client.untilOutput(answer("done"));
    EXPECT_EQ(received, 1'000'000u);
    EXPECT_EQ(client.log.lines.back(), "POST a/ HTTP/1.1 200 1000000 4 complete");
  });
}

TEST_F(Http1ConnectionLimitsTest, PiecesOfTheContentOutliveTheBuffer) {
  run([](net::Shard& shard) -> Task<void> {
    std::string content;
    for (int i = 0; content.size() < 600'000; ++i) content += std::to_string(i) + ",";
    TestConnection client(shard,
                          [&](ServerRequest& request, ResponseWriter& response) -> Task<void> {
                            std::vector<Bytes> pieces;
                            while (true) {
                              auto piece = co_await request.body->read();
                              if (!piece || !*piece) break;
                              pieces.push_back(**piece);
                            }
                            std::string joined;
                            for (const Bytes& piece : pieces) joined += piece.text();
                            sendText(response, 200, joined == content ? "same" : "different");
                          });
    client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: " + std::to_string(content.size()) +
                "\r\n\r\n");
    client.send(content);
    co_await client.untilOutput(answer("same"));
  });
}

TEST_F(Http1ConnectionLimitsTest, DrainsALittleUnreadContentToKeepTheConnection) {
  run([](net::Shard& shard) -> Task<void> {
    TestConnection client(shard,
                          [](ServerRequest& request, ResponseWriter& response) -> Task<void> {
                            sendText(response, 200, request.head.path);
                            co_return;
                          });
    client.send("POST /1 HTTP/1.1\r\nhost: a\r\ncontent-length: 10000\r\n\r\n");
    co_await client.untilOutput(answer("/1"));
    client.send(std::string(10000, 'x') + "GET /2 HTTP/1.1\r\nhost: a\r\n\r\n");
    co_await client.untilOutput(answer("/2"));
  });
}

TEST_F(Http1ConnectionLimitsTest, ClosesInsteadOfDrainingMuchContent) {
  run([](net::Shard& shard) -> Task<void> {
    ServerLimits limits;
    limits.max_drain_bytes = 1000;
    const HandleFunction handler = [](ServerRequest&, ResponseWriter& response) -> Task<void> {
      sendText(response, 200, "early");
      co_return;
    };
    TestConnection announced(shard, handler, limits);
    announced.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1001\r\n\r\n");
    co_await announced.until([&] { return announced.wire().write_shut; });

    TestConnection chunked(shard, handler, limits);
    chunked.send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n");
    co_await chunked.untilOutput(answer("early"));
    EXPECT_FALSE(chunked.wire().write_shut);
    for (int i = 0; i < 3; ++i) chunked.send("200\r\n" + std::string(512, 'x') + "\r\n");
    co_await chunked.until([&] { return chunked.wire().write_shut; });
    chunked.endInput();
    co_await chunked.untilEnded();
  });
}

TEST_F(Http1ConnectionLimitsTest, AVanishingClientCancelsTheHandler) {
  run([](net::Shard& shard) -> Task<void> {
    for (const bool reset : {false, true}) {
      bool cancelled = false;
      struct Guard {
        bool& flag;
        ~Guard() { flag = true; }
      };
      TestConnection client(shard, [&](ServerRequest&, ResponseWriter&) -> Task<void> {
        const Guard guard{cancelled};
        Event event;
        co_await event.wait();
      });
      client.send(kGet);
      co_await client.settle();
      EXPECT_EQ(client.active.value(), 1);
      EXPECT_FALSE(cancelled);
      if (reset) {
        client.breakConnection();
      } else {
        client.endInput();
      }
      co_await client.untilEnded();
      EXPECT_TRUE(cancelled);
      EXPECT_EQ(client.active.value(), 0);
      EXPECT_EQ(client.log.lines, std::vector<std::string>{"GET a/ HTTP/1.1 0 0 0 incomplete"});
    }
  });
}

TEST_F(Http1ConnectionLimitsTest, AClientThatVanishesInItsContentCancelsTheHandler) {
  run([](net::Shard& shard) -> Task<void> {
    TestConnection client(shard, echoHandler);
    client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc");
    co_await client.settle();
    client.endInput();
    co_await client.untilEnded();
    EXPECT_EQ(client.output(), "");
    EXPECT_EQ(client.active.value(), 0);
  });
}

TEST_F(Http1ConnectionLimitsTest, ABrokenWriteCancelsTheHandler) {
  run([](net::Shard& shard) -> Task<void> {
    TestConnection client(shard, [](ServerRequest&, ResponseWriter& response) -> Task<void> {
      response.sendHead({}, std::nullopt);
      const std::string piece(100'000, 'x');
      while (co_await response.write(asBytes(piece))) {
      }
      Event event;
      co_await event.wait();
    });
    client.allow(1000);
    client.send(kGet);
    co_await client.settle();
    client.breakConnection();
    co_await client.untilEnded();
    EXPECT_EQ(client.active.value(), 0);
  });
}

TEST_F(Http1ConnectionLimitsTest, AHalfClosedClientStillGetsACompleteResponse) {
  run([](net::Shard& shard) -> Task<void> {
    TestConnection client(shard, echoHandler);
    client.allow(10);
    client.send(std::string(kGet) + kGet);
    client.endInput();
    co_await client.settle();
    EXPECT_FALSE(client.ended());
    client.allow(SIZE_MAX);
    co_await client.untilEnded();
    EXPECT_EQ(client.output(), answer("GET / ") + answer("GET / "));
    EXPECT_TRUE(client.wire().write_shut);
  });
}

TEST_F(Http1ConnectionLimitsTest, AHalfClosedClientGetsAllItPipelined) {
  run([](net::Shard& shard) -> Task<void> {
    ServerLimits limits;
    limits.unsent_bytes_high_water = 1000;
    TestConnection client(shard, echoHandler, limits);
    std::string many;
    for (int i = 0; i < 100; ++i) many += kGet;
    client.allow(100);
    client.send(many);
    client.endInput();
    co_await client.settle();
    client.allow(SIZE_MAX);
    co_await client.untilEnded();
    EXPECT_EQ(client.requests.value(), 100u);
    EXPECT_EQ(client.output().size(), 100 * answer("GET / ").size());
  });
}

TEST_F(Http1ConnectionLimitsTest, ALateHeadIsA408) {
  run([](net::Shard& shard) -> Task<void> {
    ServerLimits limits;
    limits.header_timeout = 20ms;
    TestConnection client(shard, echoHandler, limits);
    client.send("GET / HTTP/1.1\r\nho");
    co_await client.untilOutput("HTTP/1.1 408 Request Timeout\r\n");
    co_await client.until([&] { return client.wire().write_shut; });
  });
}

TEST_F(Http1ConnectionLimitsTest, ATrickleOfHeaderBytesDoesNotHelp) {
  run([](net::Shard& shard) -> Task<void> {
    ServerLimits limits;
    limits.header_timeout = 50ms;
    TestConnection client(shard, echoHandler, limits);
    client.send("GET / HTTP/1.1\r\n");
    while (client.output().empty()) {
      client.send("x: y\r\n");
      co_await shard.sleepFor(5ms);
    }
    EXPECT_TRUE(client.output().starts_with("HTTP/1.1 408 "));
  });
}

TEST_F(Http1ConnectionLimitsTest, AnIdleConnectionEnds) {
  run([](net::Shard& shard) -> Task<void> {
    ServerLimits limits;
    limits.idle_timeout = 20ms;
    TestConnection fresh(shard, echoHandler, limits);
    TestConnection used(shard, echoHandler, limits);
    used.send(kGet);
    for (TestConnection* const client : {&fresh, &used}) {
      co_await client->until([&] { return client->wire().write_shut; });
      client->endInput();
      co_await client->untilEnded();
    }
    EXPECT_EQ(fresh.output(), "");
    EXPECT_EQ(used.output(), answer("GET / "));
  });
}

TEST_F(Http1ConnectionLimitsTest, ContentThatStopsComingIsA408) {
  run([](net::Shard& shard) -> Task<void> {
    ServerLimits limits;
    limits.body_idle_timeout = 20ms;
    ErrorCode code = ErrorCode::kInternal;
    TestConnection client(
        shard,
        [&](ServerRequest& request, ResponseWriter&) -> Task<void> {
          while (true) {
            auto piece = co_await request.body->read();
            if (!piece) code = piece.error().code();
            if (!piece || !*piece) break;
          }
        },
        limits);
    client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc");
    co_await client.untilOutput("HTTP/1.1 408 ");
    EXPECT_EQ(code, ErrorCode::kDeadlineExceeded);
    co_await client.until([&] { return client.wire().write_shut; });
  });
}

TEST_F(Http1ConnectionLimitsTest, AResponseToLateContentSaysThatTheConnectionCloses) {
  run([](net::Shard& shard) -> Task<void> {
    ServerLimits limits;
    limits.body_idle_timeout = 20ms;
    TestConnection client(shard, echoHandler, limits);
    client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc");
    co_await client.until([&] { return client.wire().write_shut; });
    EXPECT_EQ(client.output(), answer("POST / abc", "connection: close\r\n"));
  });
}

TEST_F(Http1ConnectionLimitsTest, ContentIsNotLateWhileTheHandlerDoesNotWantIt) {
  run([](net::Shard& shard) -> Task<void> {
    ServerLimits limits;
    limits.body_idle_timeout = 20ms;
    TestConnection client(
        shard,
        [&](ServerRequest& request, ResponseWriter& response) -> Task<void> {
          co_await shard.sleepFor(60ms);
          co_await echoHandler(request, response);
        },
        limits);
    client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc");
    co_await client.untilOutput(answer("POST / abc"));
  });
}

// Answers for as long as somebody takes it.
Task<void> endlessHandler(ServerRequest& /*request*/, ResponseWriter& response) {
  response.sendHead({}, std::nullopt);
  const std::string piece(100'000, 'x');
  while (co_await response.write(asBytes(piece))) {
  }
}

TEST_F(Http1ConnectionLimitsTest, AClientThatTakesNothingIsClosed) {
  run([](net::Shard& shard) -> Task<void> {
    ServerLimits limits;
    limits.write_idle_timeout = 20ms;
    TestConnection client(shard, echoHandler, limits);
    client.allow(5);
    client.send(kGet);
    co_await client.untilEnded();
    EXPECT_EQ(client.wire().from_server, "HTTP/");

    TestConnection streaming(shard, endlessHandler, limits);
    streaming.allow(5);
    streaming.send(kGet);
    co_await streaming.untilEnded();
    EXPECT_EQ(streaming.active.value(), 0);
  });
}

TEST_F(Http1ConnectionLimitsTest, AClientThatTakesNothingOfContentWithoutALengthIsReset) {
  run([](net::Shard& shard) -> Task<void> {
    ServerLimits limits;
    limits.write_idle_timeout = 20ms;
    TestConnection client(shard, endlessHandler, limits);
    client.allow(5);
    client.send("GET / HTTP/1.0\r\n\r\n");
    co_await client.untilEnded();
    EXPECT_TRUE(client.wire().reset);
  });
}

TEST_F(Http1ConnectionLimitsTest, AClientThatTakesLessThanTheLeastRateIsClosed) {
  run([](net::Shard& shard) -> Task<void> {
    ServerLimits limits;
    limits.write_idle_timeout = 100ms;  // ten bytes by default
    TestConnection client(shard, endlessHandler, limits);
    client.allow(1);
    client.send(kGet);
    for (; !client.ended(); co_await shard.sleepFor(30ms)) client.wire().room = 1;
    EXPECT_LT(client.wire().from_server.size(), 10U);
  });
}

TEST_F(Http1ConnectionLimitsTest, AClientThatTakesALittleAtATimeIsNotClosedIfThatIsAllowed) {
  run([](net::Shard& shard) -> Task<void> {
    ServerLimits limits;
    limits.write_idle_timeout = 20ms;
    limits.min_response_bytes_per_second = 0;
    TestConnection client(shard, echoHandler, limits);
    client.allow(5);
    client.send(kGet);
    for (std::size_t taken = 5; taken < 10; ++taken) {
      co_await client.until([&] { return client.wire().from_server.size() == taken; });
      client.wire().room = 1;  // too little for the system to tell
    }
    EXPECT_FALSE(client.ended());
    co_await client.untilEnded();
    EXPECT_EQ(client.wire().from_server, "HTTP/1.1 2");
  });
}

TEST_F(Http1ConnectionLimitsTest, AClientThatTakesAllThatWaitsAndThenNothingIsClosed) {
  run([](net::Shard& shard) -> Task<void> {
    ServerLimits limits;
    limits.write_idle_timeout = 20ms;
    TestConnection client(shard, endlessHandler, limits);
    client.allow(5);
    client.send(kGet);
    co_await client.until([&] { return client.wire().from_server.size() == 5; });
    client.wire().room = 10'000'000;  // the system does not tell
    co_await client.untilEnded();
    EXPECT_EQ(client.wire().from_server.size(), 10'000'005U);
  });
}

TEST_F(Http1ConnectionLimitsTest, APipeliningClientThatTakesNothingIsNotServedForEver) {
  run([](net::Shard& shard) -> Task<void> {
    ServerLimits limits;
    limits.unsent_bytes_high_water = 1000;
    TestConnection client(shard, echoHandler, limits);
    client.allow(0);
    std::string many;
    for (int i = 0; i < 1000; ++i) many += kGet;
    client.send(many);
    co_await client.settle();
    EXPECT_LT(client.requests.value(), 20u);
    client.allow(SIZE_MAX);
    co_await client.until([&] { return client.requests.value() == 1000; });
  });
}

TEST_F(Http1ConnectionLimitsTest, PipelinedRequestsDoNotKeepOthersWaiting) {
  run([](net::Shard& shard) -> Task<void> {
    TestConnection client(shard, echoHandler);
    std::string many;
    for (int i = 0; i < 200; ++i) many += kGet;
    client.send(many);
    EXPECT_LT(client.requests.value(), 64u);
    co_await client.until([&] { return client.requests.value() == 200; });
  });
}

TEST_F(Http1ConnectionLimitsTest, AnIdleConnectionDrains) {
  run([](net::Shard& shard) -> Task<void> {
    TestConnection client(shard, echoHandler);
    client.send(kGet);
    co_await client.untilOutput(answer("GET / "));
    client.startDrain();
    co_await client.untilEnded();
    EXPECT_EQ(client.output(), answer("GET / "));
    EXPECT_TRUE(client.wire().write_shut);
  });
}

TEST_F(Http1ConnectionLimitsTest, ARequestThatIsOnItsWayWhenTheDrainBeginsIsAnswered) {
  run([](net::Shard& shard) -> Task<void> {
    TestConnection client(shard, echoHandler);
    client.send(kGet);
    co_await client.untilOutput(answer("GET / "));
    client.startDrain();
    co_await client.settle();
    client.send(kGet);
    co_await client.untilOutput(answer("GET / ") + answer("GET / ", "connection: close\r\n"));
  });
}

TEST_F(Http1ConnectionLimitsTest, AResponseThatAllowedAnotherRequestIsHeldTo) {
  run([](net::Shard& shard) -> Task<void> {
    Event go;
    TestConnection client(shard, [&](ServerRequest&, ResponseWriter& response) -> Task<void> {
      response.sendHead({}, 4);
      co_await go.wait();
      if (co_await response.write(asBytes("late"))) response.finish({});
    });
    client.send(kGet);
    co_await client.settle();
    client.startDrain();
    go.set();
    const std::string first = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nlate";
    co_await client.untilOutput(first);
    client.send(kGet);
    co_await client.untilOutput(
        first + "HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nlate");
  });
}

TEST_F(Http1ConnectionLimitsTest, ABusyConnectionDrainsAfterItsResponse) {
  run([](net::Shard& shard) -> Task<void> {
    Event go;
    TestConnection client(shard, [&](ServerRequest&, ResponseWriter& response) -> Task<void> {
      co_await go.wait();
      sendText(response, 200, "late");
    });
    client.send(kGet);
    co_await client.settle();
    client.startDrain();
    co_await client.settle();
    EXPECT_FALSE(client.ended());
    go.set();
    co_await client.untilOutput(answer("late", "connection: close\r\n"));
    client.endInput();
    co_await client.untilEnded();
  });
}

TEST_F(Http1ConnectionLimitsTest, AHeadThatHasBegunIsAnsweredWhileDraining) {
  run([](net::Shard& shard) -> Task<void> {
    TestConnection client(shard, echoHandler);
    client.send("GET /begun HTTP/1.1\r\n");
    co_await client.settle();
    client.startDrain();
    client.send("host: a\r\n\r\n");
    co_await client.untilOutput(answer("GET /begun ", "connection: close\r\n"));
  });
}

TEST_F(Http1ConnectionLimitsTest, ServesOnlySoManyRequests) {
  run([](net::Shard& shard) -> Task<void> {
    ServerLimits limits;
    limits.max_requests_per_connection = 2;
    TestConnection client(shard, echoHandler, limits);
    client.send(std::string(kGet) + kGet + kGet);
    co_await client.until([&] { return client.wire().write_shut; });
    EXPECT_EQ(client.output(), answer("GET / ") + answer("GET / ", "connection: close\r\n"));
  });
}

TEST_F(Http1ConnectionLimitsTest, DestroyingItCancelsEverything) {
  run([](net::Shard& shard) -> Task<void> {
    auto client = std::make_unique<TestConnection>(shard, never);
    client->send(kGet);
    co_await client->settle();
    EXPECT_EQ(client->active.value(), 1);
    client.reset();
    co_return;
  });
}

TEST_F(Http1ConnectionLimitsTest, LingersForAClientThatSendsMoreThoughItAskedForTheEnd) {
  run([](net::Shard& shard) -> Task<void> {
    for (const char* const request :
         {"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"}) {
      TestConnection client(shard, echoHandler);
      client.send(request);
      co_await client.until([&] { return client.wire().write_shut; });
      client.send("\r\n");
      co_await client.until([&] { return client.wire().to_server.empty(); });
      EXPECT_FALSE(client.wire().closed);
      client.endInput();
      co_await client.untilEnded();
      EXPECT_FALSE(client.wire().reset);
    }
  });
}

TEST_F(Http1ConnectionLimitsTest, ADrainShortensTheLingering) {
  run([](net::Shard& shard) -> Task<void> {
    TestConnection client(shard, echoHandler);
    client.send("GET / HTTP/1.0\r\n\r\n");
    co_await client.until([&] { return client.wire().write_shut; });
    const TimePoint began = shard.now();
    client.startDrain();
    co_await client.untilEnded();
    EXPECT_LT(shard.now() - began, 1500ms);
  });
}

TEST_F(Http1ConnectionLimitsTest, LingersForAClientThatIsStillSending) {
  run([](net::Shard& shard) -> Task<void> {
    TestConnection client(shard, echoHandler);
    client.send("BAD\r\n");
    co_await client.until([&] { return client.wire().write_shut; });
    client.send(std::string(100'000, 'x'));
    co_await client.until([&] { return client.wire().to_server.empty(); });
    EXPECT_FALSE(client.wire().closed);
    client.endInput();
    co_await client.untilEnded();
  });
}

}  // namespace
}  // namespace nimbus::http
