#include <gtest/gtest.h>

#include <ctime>
#include <string>
#include <vector>

#include "http/http1_test_support.h"

namespace nimbus::http {
namespace {

using Http1ConnectionTest = HttpTest;

TEST_F(Http1ConnectionTest, AnswersRequestAfterRequest) {
  run([](net::Shard& shard) -> Task<void> {
    TestConnection client(shard, echoHandler);
    client.send("GET /1 HTTP/1.1\r\nhost: a\r\n\r\n");
    co_await client.untilOutput(answer("GET /1 "));
    client.send("GET /2 HTTP/1.1\r\nhost: a\r\n\r\n");
    co_await client.untilOutput(answer("GET /2 "));
    EXPECT_FALSE(client.ended());
    EXPECT_EQ(client.requests.value(), 2u);
    EXPECT_EQ(client.active.value(), 0);
  });
}

TEST_F(Http1ConnectionTest, AnswersPipelinedRequestsInOrderByOneSend) {
  run([](net::Shard& shard) -> Task<void> {
    TestConnection client(shard, echoHandler);
    client.send(
        "GET /1 HTTP/1.1\r\nhost: a\r\n\r\nPOST /2 HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n"
        "hiGET /3 HTTP/1.1\r\nhost: a\r\n\r\n");
    co_await client.untilOutput("GET /3");
    EXPECT_EQ(client.output(), answer("GET /1 ") + answer("POST /2 hi") + answer("GET /3 "));
    EXPECT_EQ(client.wire().writes, 1u);
  });
}

TEST_F(Http1ConnectionTest, UsesWhatWasReceivedBefore) {
  run([](net::Shard& shard) -> Task<void> {
    TestConnection client(shard, echoHandler, {}, "GET /early HTTP/1.1\r\nho");
    client.send("st: a\r\n\r\n");
    co_await client.untilOutput(answer("GET /early "));
  });
}

TEST_F(Http1ConnectionTest, ReadsRequestsByteByByte) {
  run([](net::Shard& shard) -> Task<void> {
    TestConnection client(shard, echoHandler);
    const std::string_view text =
        "POST /x HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde"
        "\r\n0\r\nx-sum: 9\r\n\r\n";
    for (const char c : text) client.send({&c, 1});
    co_await client.untilOutput(answer("POST /x abcde x-sum=9"));
  });
}

TEST_F(Http1ConnectionTest, SmallChunksAreJoined) {
  run([](net::Shard& shard) -> Task<void> {
    std::size_t pieces = 0;
    TestConnection client(shard,
                          [&](ServerRequest& request, ResponseWriter& response) -> Task<void> {
                            std::size_t bytes = 0;
                            while (true) {
                              auto piece = co_await request.body->read();
                              if (!piece || !*piece) break;
                              bytes += (*piece)->size();
                              ++pieces;
                            }
                            sendText(response, 200, std::to_string(bytes));
                          });
    std::string text = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    for (int i = 0; i < 500; ++i) text += "1\r\nx\r\n";
    client.send(text + "0\r\n\r\n");
    co_await client.untilOutput("\r\n\r\n500");
    EXPECT_LE(pieces, 2u);
  });
}

TEST_F(Http1ConnectionTest, TellsTheHandlerAboutTheContent) {
  run([](net::Shard& shard) -> Task<void> {
    std::string seen;
    TestConnection client(shard,
                          [&](ServerRequest& request, ResponseWriter& response) -> Task<void> {
                            const auto length = request.body->length();
                            seen += std::to_string(request.body->empty()) +
                                    (length ? std::to_string(*length) : "-") + " ";
                            seen += request.peer->address + ";";
                            sendText(response, 200, "");
                            co_return;
                          });
    client.send(kGet);
    client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc");
    client.send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n");
    co_await client.until([&] { return client.requests.value() == 3; });
    EXPECT_EQ(seen, "10 192.0.2.1:1234;03 192.0.2.1:1234;0- 192.0.2.1:1234;");
  });
}

TEST_F(Http1ConnectionTest, ChunksContentOfUnknownLengthAndSendsTrailers) {
  run([](net::Shard& shard) -> Task<void> {
    TestConnection client(shard, [](ServerRequest&, ResponseWriter& response) -> Task<void> {
      ResponseHead head;
      head.headers.add("x", "y");
      response.sendHead(head, std::nullopt);
      EXPECT_TRUE(co_await response.write(asBytes("hello")));
      EXPECT_TRUE(co_await response.write(Bytes::copyOf("0123456789abcdef")));
      Headers trailers;
      trailers.add("x-sum", "1");
      trailers.add("content-length", "7");
      trailers.add("bad", "a\r\nb");
      response.finish(trailers);
    });
    client.send(kGet);
    co_await client.untilOutput("x-sum");
    EXPECT_EQ(client.output(),
              "HTTP/1.1 200 OK\r\nx: y\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"
              "10\r\n0123456789abcdef\r\n0\r\nx-sum: 1\r\n\r\n");
    client.send(kGet);
    co_await client.until([&] { return client.requests.value() == 2; });
  });
}

TEST_F(Http1ConnectionTest, SaysContinueWhenTheHandlerReads) {
  run([](net::Shard& shard) -> Task<void> {
    TestConnection client(shard, echoHandler);
    client.send("POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n");
    co_await client.untilOutput("HTTP/1.1 100 Continue\r\n\r\n");
    client.send("ok");
    co_await client.untilOutput(answer("POST / ok"));
    EXPECT_FALSE(client.wire().write_shut);
  });
}

TEST_F(Http1ConnectionTest, SaysNoContinueWhenTheContentIsThere) {
  run([](net::Shard& shard) -> Task<void> {
    TestConnection client(shard, echoHandler);
    client.send(
        "POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\nok");
    co_await client.untilOutput("POST / ok");
    EXPECT_EQ(client.output(), answer("POST / ok"));
  });
}

TEST_F(Http1ConnectionTest, ClosesIfTheExpectedContentWasNotWanted) {
  run([](net::Shard& shard) -> Task<void> {
    TestConnection client(shard, [](ServerRequest&, ResponseWriter& response) -> Task<void> {
      sendText(response, 200, "no");
      co_return;
    });
    client.send("POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n");
    co_await client.untilOutput(answer("no", "connection: close\r\n"));
    co_await client.until([&] { return client.wire().write_shut; });
  });
}

TEST_F(Http1ConnectionTest, RefusesOtherExpectations) {
  run([](net::Shard& shard) -> Task<void> {
    TestConnection client(shard, echoHandler);
    client.send("GET / HTTP/1.1\r\nhost: a\r\nexpect: coffee\r\n\r\n");
    co_await client.untilOutput("HTTP/1.1 417 Expectation Failed\r\n");
    EXPECT_NE(client.output().find("connection: close\r\n"), std::string::npos);
  });
}

TEST_F(Http1ConnectionTest, AnswersWithoutContentWhereThereMustBeNone) {
  run([](net::Shard& shard) -> Task<void> {
    TestConnection client(shard,
                          [](ServerRequest& request, ResponseWriter& response) -> Task<void> {
                            ResponseHead head;
                            if (request.head.path == "/204") head.status = 204;
                            if (request.head.path == "/304") head.status = 304;
                            response.sendHead(head, request.head.path == "/unknown"
                                                        ? std::nullopt
                                                        : std::optional<std::uint64_t>(5));
                            EXPECT_TRUE(co_await response.write(asBytes("hello")));
                            response.finish({});
                          });
    client.send(
        "HEAD / HTTP/1.1\r\nhost: a\r\n\r\nHEAD /unknown HTTP/1.1\r\nhost: a\r\n\r\n"
        "GET /204 HTTP/1.1\r\nhost: a\r\n\r\nGET /304 HTTP/1.1\r\nhost: a\r\n\r\n");
    co_await client.untilOutput("304");
    EXPECT_EQ(client.output(),
              "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"
              "HTTP/1.1 200 OK\r\n\r\n"
              "HTTP/1.1 204 No Content\r\n\r\n"
              "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n");
  });
}

TEST_F(Http1ConnectionTest, WithoutContentTheLengthIsThatOfAnotherAnswer) {
  run([](net::Shard& shard) -> Task<void> {
    TestConnection client(shard,
                          [](ServerRequest& request, ResponseWriter& response) -> Task<void> {
                            ResponseHead head;
                            if (request.head.path == "/304") head.status = 304;
                            if (request.head.path != "/unnamed")
                              head.headers.add("content-length", "5");
                            response.sendHead(head, 0);
                            response.finish({});
                            co_return;
                          });
    client.send(
        "HEAD / HTTP/1.1\r\nhost: a\r\n\r\nHEAD /unnamed HTTP/1.1\r\nhost: a\r\n\r\n"
        "GET /304 HTTP/1.1\r\nhost: a\r\n\r\nGET /200 HTTP/1.1\r\nhost: a\r\n\r\n");
    co_await client.untilOutput("502");
    EXPECT_TRUE(
        client.output().starts_with("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"
                                    "HTTP/1.1 200 OK\r\n\r\n"
                                    "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n"
                                    "HTTP/1.1 502 "))
        << client.output();
  });
}

TEST_F(Http1ConnectionTest, ClosesAfterConnectionClose) {
  run([](net::Shard& shard) -> Task<void> {
    TestConnection client(shard, echoHandler);
    client.send("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    co_await client.until([&] { return client.wire().write_shut; });
    client.endInput();
    co_await client.untilEnded();
    EXPECT_EQ(client.output(), answer("GET / ", "connection: close\r\n"));
  });
}

TEST_F(Http1ConnectionTest, SpeaksHttp10) {
  run([](net::Shard& shard) -> Task<void> {
    TestConnection client(shard, echoHandler);
    client.send("GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n");
    co_await client.untilOutput(answer("GET / ", "connection: keep-alive\r\n"));
    client.send("GET /2 HTTP/1.0\r\n\r\n");
    co_await client.until([&] { return client.wire().write_shut; });
    EXPECT_NE(client.output().find(answer("GET /2 ", "connection: close\r\n")), std::string::npos);
  });
}

TEST_F(Http1ConnectionTest, Http10GetsContentOfUnknownLengthUntilTheEnd) {
  run([](net::Shard& shard) -> Task<void> {
    TestConnection client(shard, [](ServerRequest&, ResponseWriter& response) -> Task<void> {
      ResponseHead early;
      early.status = 103;
      response.sendHead(early, std::nullopt);
      response.sendHead({}, std::nullopt);
      EXPECT_TRUE(co_await response.write(asBytes("hello")));
      response.finish({});
    });
    client.send("GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n");
    co_await client.until([&] { return client.wire().write_shut; });
    EXPECT_EQ(client.output(), "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello");
    client.endInput();
    co_await client.untilEnded();
  });
}

TEST_F(Http1ConnectionTest, SendsInformationalHeads) {
  run([](net::Shard& shard) -> Task<void> {
    TestConnection client(shard, [](ServerRequest&, ResponseWriter& response) -> Task<void> {
      ResponseHead early;
      early.status = 103;
      early.headers.add("link", "</style>");
      response.sendHead(early, std::nullopt);
      EXPECT_FALSE(response.headSent());
      sendText(response, 200, "x");
      co_return;
    });
    client.send(kGet);
    co_await client.untilOutput(answer("x"));
    EXPECT_TRUE(client.output().starts_with("HTTP/1.1 103 Early Hints\r\nlink: </style>\r\n\r\n"));
  });
}

TEST_F(Http1ConnectionTest, RefusesWrongHeadsAndCloses) {
  run([](net::Shard& shard) -> Task<void> {
    TestConnection client(shard, echoHandler);
    client.send("GET / HTTP/1.1\r\nhost: a\r\nx : y\r\n\r\n");
    co_await client.until([&] { return client.wire().write_shut; });
    EXPECT_TRUE(client.output().starts_with("HTTP/1.1 400 Bad Request\r\n"));
    EXPECT_NE(client.output().find("connection: close"), std::string::npos);
    EXPECT_EQ(client.protocol_errors.value(), 1u);
    EXPECT_EQ(client.requests.value(), 0u);
    EXPECT_EQ(client.log.lines, std::vector<std::string>{"GET a/ HTTP/1.1 400 0 19 complete"});
  });
}

TEST_F(Http1ConnectionTest, WrongChunksBecomeA400) {
  run([](net::Shard& shard) -> Task<void> {
    TestConnection client(shard, [](ServerRequest& request, ResponseWriter&) -> Task<void> {
      auto piece = co_await request.body->read();
      EXPECT_FALSE(piece);
      if (!piece) {
        EXPECT_EQ(piece.error().code(), ErrorCode::kProtocol);
      }
    });
    client.send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n");
    co_await client.untilOutput("HTTP/1.1 400 ");
    co_await client.until([&] { return client.wire().write_shut; });
    EXPECT_EQ(client.protocol_errors.value(), 1u);
  });
}

TEST_F(Http1ConnectionTest, AResponseToBrokenContentSaysThatTheConnectionCloses) {
  run([](net::Shard& shard) -> Task<void> {
    TestConnection client(shard, echoHandler);
    client.send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n");
    co_await client.until([&] { return client.wire().write_shut; });
    EXPECT_EQ(client.output(), answer("POST / ", "connection: close\r\n"));
  });
}

TEST_F(Http1ConnectionTest, RefusesTooMuchContent) {
  run([](net::Shard& shard) -> Task<void> {
    ServerLimits limits;
    limits.max_body_bytes = 10;
    TestConnection announced(shard, echoHandler, limits);
    announced.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 11\r\n\r\n");
    co_await announced.untilOutput("HTTP/1.1 413 ");

    TestConnection chunked(
        shard,
        [](ServerRequest& request, ResponseWriter&) -> Task<void> {
          while (true) {
            auto piece = co_await request.body->read();
            if (!piece || !*piece) break;
          }
        },
        limits);
    chunked.send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n");
    chunked.send("b\r\nhello world\r\n0\r\n\r\n");
    co_await chunked.untilOutput("HTTP/1.1 413 ");
    co_await chunked.until([&] { return chunked.wire().write_shut; });
  });
}

TEST_F(Http1ConnectionTest, TooMuchContentIsA413WhateverTheHandlerMakesOfIt) {
  run([](net::Shard& shard) -> Task<void> {
    ServerLimits limits;
    limits.max_body_bytes = 10;
    for (const bool aborts : {false, true}) {
      TestConnection client(
          shard,
          [aborts](ServerRequest& request, ResponseWriter& response) -> Task<void> {
            while (true) {
              auto piece = co_await request.body->read();
              if (!piece || !*piece) break;
            }
            if (aborts) {
              response.abort();
            } else {
              sendText(response, 500, "I could not read that");
            }
          },
          limits);
      client.send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n");
      client.send("b\r\nhello world\r\n0\r\n\r\n");
      co_await client.untilOutput("HTTP/1.1 413 ");
      co_await client.until([&] { return client.wire().write_shut; });
    }
  });
}

TEST_F(Http1ConnectionTest, AHandlerWithoutResponseIsA500) {
  run([](net::Shard& shard) -> Task<void> {
    TestConnection client(shard, [](ServerRequest&, ResponseWriter&) -> Task<void> { co_return; });
    client.send(kGet);
    co_await client.untilOutput("HTTP/1.1 500 Internal Server Error\r\n");
    client.send(kGet);
    co_await client.until([&] { return client.requests.value() == 2; });
  });
}

TEST_F(Http1ConnectionTest, AnAbortBeforeTheHeadIsA502) {
  run([](net::Shard& shard) -> Task<void> {
    TestConnection client(shard, [](ServerRequest&, ResponseWriter& response) -> Task<void> {
      response.abort();
      co_return;
    });
    client.send(kGet);
    co_await client.untilOutput("HTTP/1.1 502 Bad Gateway\r\n");
    EXPECT_FALSE(client.wire().write_shut);
  });
}

TEST_F(Http1ConnectionTest, AStatusThatThereIsNotIsA502) {
  run([](net::Shard& shard) -> Task<void> {
    TestConnection client(shard, [](ServerRequest&, ResponseWriter& response) -> Task<void> {
      response.sendHead({.status = 600, .headers = {}}, 0);
      response.finish({});
      co_return;
    });
    client.send(kGet);
    co_await client.untilOutput("HTTP/1.1 502 Bad Gateway\r\n");
  });
}

TEST_F(Http1ConnectionTest, AnAbortAfterTheHeadClosesInTheMiddle) {
  run([](net::Shard& shard) -> Task<void> {
    TestConnection client(shard, [](ServerRequest&, ResponseWriter& response) -> Task<void> {
      response.sendHead({}, std::nullopt);
      EXPECT_TRUE(co_await response.write(asBytes("part")));
      response.abort();
      EXPECT_FALSE(co_await response.write(asBytes("more")));
    });
    client.send(std::string(kGet) + kGet);
    co_await client.untilEnded();
    EXPECT_TRUE(client.output().ends_with("4\r\npart\r\n"));
    EXPECT_EQ(client.requests.value(), 1u);
    EXPECT_EQ(client.log.lines.back(), "GET a/ HTTP/1.1 200 0 4 incomplete");
    EXPECT_FALSE(client.wire().write_shut);
    EXPECT_FALSE(client.wire().reset);
  });
}

TEST_F(Http1ConnectionTest, AnAbortOfContentWithoutALengthResets) {
  run([](net::Shard& shard) -> Task<void> {
    TestConnection client(shard, [](ServerRequest&, ResponseWriter& response) -> Task<void> {
      response.sendHead({}, std::nullopt);
      EXPECT_TRUE(co_await response.write(asBytes("part")));
      response.abort();
    });
    client.send("GET / HTTP/1.0\r\n\r\n");
    co_await client.untilEnded();
    EXPECT_TRUE(client.output().ends_with("\r\n\r\npart"));
    EXPECT_FALSE(client.wire().write_shut);
    EXPECT_TRUE(client.wire().reset);
  });
}

TEST_F(Http1ConnectionTest, ContentMustHaveTheAnnouncedLength) {
  run([](net::Shard& shard) -> Task<void> {
    const auto respond = [](std::string_view content) {
      return [content](ServerRequest&, ResponseWriter& response) -> Task<void> {
        ResponseHead head;
        head.headers.add("content-length", "4");
        response.sendHead(head, std::nullopt);
        EXPECT_EQ((co_await response.write(asBytes(content))).has_value(), content.size() <= 4);
        response.finish({});
      };
    };
    TestConnection less(shard, respond("abc"));
    less.send(kGet);
    co_await less.untilEnded();
    EXPECT_TRUE(less.output().ends_with("content-length: 4\r\n\r\nabc"));

    TestConnection more(shard, respond("abcde"));
    more.send(kGet);
    co_await more.untilEnded();
    EXPECT_TRUE(more.output().ends_with("content-length: 4\r\n\r\n"));
  });
}

TEST_F(Http1ConnectionTest, AGuestCannotInjectLinesIntoTheHead) {
  run([](net::Shard& shard) -> Task<void> {
    int number = 0;
    TestConnection client(shard, [&](ServerRequest&, ResponseWriter& response) -> Task<void> {
      ResponseHead head;
      switch (number++) {
        case 0: head.headers.add("x", "a\r\nset-cookie: b"); break;
        case 1: head.headers.add("x\r\nset-cookie", "b"); break;
        case 2: head.headers.add("x y", "b"); break;
        case 3: head.headers.add("content-length", "1\r\n2"); break;
        case 4:
          head.headers.add("content-length", "1");
          head.headers.add("content-length", "2");
          break;
        case 5: head.status = 1000; break;
        case 6: head.status = 99; break;
        default: head.headers.add("content-length", "7"); break;
      }
      response.sendHead(head, 5);
      EXPECT_TRUE(response.headSent());
      EXPECT_FALSE(co_await response.write(asBytes("hello")));
      response.finish({});
    });
    for (int i = 0; i < 8; ++i) client.send(kGet);
    co_await client.until([&] { return client.log.lines.size() == 8; });
    for (const std::string& line : client.log.lines) {
      EXPECT_EQ(line, "GET a/ HTTP/1.1 502 0 22 complete");
    }
    EXPECT_EQ(client.output().find("set-cookie"), std::string::npos);
    EXPECT_EQ(client.output().find("hello"), std::string::npos);
  });
}

TEST_F(Http1ConnectionTest, FieldsOfTheConnectionAreOurs) {
  run([](net::Shard& shard) -> Task<void> {
    TestConnection client(shard, [](ServerRequest&, ResponseWriter& response) -> Task<void> {
      ResponseHead head;
      for (const char* name :
           {"Connection", "keep-alive", "transfer-encoding", "upgrade", "proxy-connection", "te"}) {
        head.headers.add(name, "close");
      }
      head.headers.add("date", "then");
      response.sendHead(head, 0);
      response.finish({});
      co_return;
    });
    client.send(kGet);
    co_await client.until([&] { return !client.wire().from_server.empty(); });
    EXPECT_EQ(client.wire().from_server,
              "HTTP/1.1 200 OK\r\ndate: then\r\ncontent-length: 0\r\n\r\n");
  });
}

TEST_F(Http1ConnectionTest, TheDateIsThatOfRfc9110) {
  run([](net::Shard& shard) -> Task<void> {
    TestConnection client(shard, echoHandler);
    client.send(kGet);
    co_await client.untilOutput("GET /");
    const std::size_t at = client.wire().from_server.find("date: ");
    EXPECT_NE(at, std::string::npos);
    const std::string date = client.wire().from_server.substr(at + 6, 29);
    std::tm parts{};
    EXPECT_EQ(*strptime(date.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts), '\0') << date;
    EXPECT_NEAR(double(timegm(&parts)), double(std::time(nullptr)), 3.0);
    co_return;
  });
}

}  // namespace
}  // namespace nimbus::http
