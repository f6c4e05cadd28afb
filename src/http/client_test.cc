#include "http/client.h"

#include <gtest/gtest.h>

#include "base/sync.h"
#include "http/client_test_server.h"

namespace nimbus::http {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kHello = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

TEST_F(ClientTest, SendsARequestAndReadsItsResponse) {
  script([this](ScriptServer& server) {
    auto connection = server.accept();
    EXPECT_EQ(connection.readHead(),
              "GET /a?b HTTP/1.1\r\nhost: " + authority() + "\r\nx-one: 1\r\naccept: */*\r\n\r\n");
    connection.send("HTTP/1.1 201 Made\r\nX-Two: 2\r\ncontent-length: 5\r\n\r\nhello");
  });
  run([&](net::Shard&) -> Task<void> {
    RequestHead head = request("GET", "/a?b");
    head.headers.add("x-one", "1");
    head.headers.add("connection", "close");
    head.headers.add("host", "evil.example");
    head.headers.add("accept", "*/*");
    auto response = co_await client().send(std::move(head), nullptr, options_);
    EXPECT_TRUE(response);
    if (!response) co_return;
    EXPECT_EQ((*response)->head().status, 201);
    EXPECT_EQ((*response)->head().headers.find("x-two"), "2");
    EXPECT_EQ((*response)->body().length(), 5U);
    EXPECT_EQ(co_await readAll((*response)->body()), "hello");
  });
}

TEST_F(ClientTest, FramesContentByItsLength) {
  script([](ScriptServer& server) {
    auto connection = server.accept();
    EXPECT_NE(connection.readHead().find("content-length: 6\r\n"), std::string::npos);
    EXPECT_EQ(connection.read(6), "abcdef");
    connection.send(kHello);
    EXPECT_NE(connection.readHead().find("content-length: 0\r\n"), std::string::npos);
    connection.send(kHello);
  });
  run([&](net::Shard&) -> Task<void> {
    auto body = bodyOf({"abc", "def"}, 6);
    auto response = co_await client().send(request("PUT", "/"), body.get(), options_);
    if (response) EXPECT_EQ(co_await readAll((*response)->body()), "hello");
    auto empty = co_await client().send(request("POST", "/"), nullptr, options_);
    EXPECT_TRUE(empty);
  });
}

TEST_F(ClientTest, SendsChunksAndTrailersWhenTheLengthIsUnknown) {
  script([](ScriptServer& server) {
    auto connection = server.accept();
    EXPECT_NE(connection.readHead().find("transfer-encoding: chunked\r\n"), std::string::npos);
    const std::string expected = "3\r\nabc\r\nf\r\ndefghijklmnopqr\r\n0\r\nx-sum: 18\r\n\r\n";
    EXPECT_EQ(connection.read(expected.size()), expected);
    connection.send(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
        "2\r\nhe\r\n3\r\nllo\r\n0\r\nx-end: yes\r\n\r\n");
  });
  run([&](net::Shard&) -> Task<void> {
    auto body = bodyOf({"abc", "defghijklmnopqr"});
    body->trailers_out.add("x-sum", "18");
    auto response = co_await client().send(request("POST", "/"), body.get(), options_);
    EXPECT_TRUE(response);
    if (!response) co_return;
    EXPECT_EQ(co_await readAll((*response)->body()), "hello");
    EXPECT_EQ((*response)->body().trailers().find("x-end"), "yes");
  });
}

TEST_F(ClientTest, JoinsTinyChunksThatCameTogether) {
  script([](ScriptServer& server) {
    auto connection = server.accept();
    (void)connection.readHead();
    std::string response = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    for (int i = 0; i < 1000; ++i) response += "1\r\na\r\n";
    connection.send(response + "0\r\nx-sum: 1000\r\n\r\n");
  });
  run([&](net::Shard&) -> Task<void> {
    auto response = co_await client().send(request("GET", "/"), nullptr, options_);
    EXPECT_TRUE(response);
    if (!response) co_return;
    BodyReader& body = (*response)->body();
    std::string content;
    int pieces = 0;
    while (true) {
      auto piece = co_await body.read();
      EXPECT_TRUE(piece);
      if (!piece || !piece->has_value()) break;
      content += (*piece)->text();
      ++pieces;
    }
    EXPECT_EQ(content, std::string(1000, 'a'));
    EXPECT_LT(pieces, 100) << "one for what each read of the socket gave";
    EXPECT_EQ(body.trailers().find("x-sum"), "1000");
  });
}

TEST_F(ClientTest, SendsAndReceivesAtTheSameTime) {
  script([](ScriptServer& server) {
    auto connection = server.accept();
    (void)connection.readHead();
    connection.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(connection.read(9), "4\r\nping\r\n");
      connection.send("4\r\npong\r\n");
    }
    EXPECT_EQ(connection.read(5), "0\r\n\r\n");
    connection.send("0\r\n\r\n");
  });
  run([&](net::Shard&) -> Task<void> {
    Event answered;
    int asked = 0;
    auto next = [&]() -> Task<Result<std::optional<Bytes>>> {
      if (asked > 0) {
        co_await answered.wait();
        answered.clear();
      }
      if (asked++ == 3) co_return std::nullopt;
      co_return Bytes::ofStatic("ping");
    };
    ScriptBody body(next);
    auto response = co_await client().send(request("POST", "/"), &body, options_);
    EXPECT_TRUE(response);
    if (!response) co_return;
    for (int i = 0; i < 3; ++i) {
      auto piece = co_await (*response)->body().read();
      EXPECT_TRUE(piece && *piece && (*piece)->text() == "pong");
      answered.set();
    }
    EXPECT_EQ(co_await readAll((*response)->body()), "");
  });
}

TEST_F(ClientTest, TakesAnAnswerThatComesBeforeTheContentIsSent) {
  script([](ScriptServer& server) {
    auto connection = server.accept();
    (void)connection.readHead();
    connection.send("HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\nconnection: close\r\n\r\nno!");
    EXPECT_FALSE(connection.read(100).empty());
  });
  run([&](net::Shard&) -> Task<void> {
    const std::string piece(60'000, 'x');
    auto next = [&]() -> Task<Result<std::optional<Bytes>>> { co_return Bytes::copyOf(piece); };
    ScriptBody body(next);  // without end
    auto response = co_await client().send(request("POST", "/"), &body, options_);
    EXPECT_TRUE(response);
    if (!response) co_return;
    EXPECT_EQ((*response)->head().status, 413);
    EXPECT_EQ(co_await readAll((*response)->body()), "no!");
  });
}

TEST_F(ClientTest, HoldsItsContentBackUntilTheServerAsksForIt) {
  script([](ScriptServer& server) {
    auto connection = server.accept();
    EXPECT_NE(connection.readHead().find("expect: 100-continue\r\n"), std::string::npos);
    connection.send("HTTP/1.1 100 Continue\r\n\r\n");
    EXPECT_EQ(connection.read(3), "abc");
    connection.send("HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n");
    connection.send(kHello);
  });
  run([&](net::Shard&) -> Task<void> {
    RequestHead head = request("PUT", "/");
    head.headers.add("expect", "100-continue");
    auto body = bodyOf({"abc"}, 3);
    auto response = co_await client().send(std::move(head), body.get(), options_);
    EXPECT_TRUE(response);
    if (!response) co_return;
    EXPECT_EQ((*response)->head().status, 200);
    EXPECT_FALSE((*response)->head().headers.find("link"));
  });
}

TEST_F(ClientTest, KnowsWhichResponsesHaveNoContent) {
  script([](ScriptServer& server) {
    auto connection = server.accept();
    (void)connection.readHead();
    connection.send("HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n");
    for (const char* status : {"204", "304"}) {
      (void)connection.readHead();
      connection.send("HTTP/1.1 " + std::string(status) + " x\r\n\r\n");
    }
    (void)connection.readHead();
    connection.send(kHello);
  });
  run([&](net::Shard&) -> Task<void> {
    for (const char* method : {"HEAD", "GET", "GET"}) {
      auto response = co_await client().send(request(method, "/"), nullptr, options_);
      EXPECT_TRUE(response);
      if (!response) co_return;
      EXPECT_TRUE((*response)->body().empty());
      EXPECT_EQ(co_await readAll((*response)->body()), "");
    }
    auto response = co_await client().send(request("GET", "/"), nullptr, options_);
    if (response) EXPECT_EQ(co_await readAll((*response)->body()), "hello");
    EXPECT_EQ(opened(), 1U);
  });
}

TEST_F(ClientTest, ReadsUntilTheServerClosesWhereNothingElseTellsTheEnd) {
  script([](ScriptServer& server) {
    auto connection = server.accept();
    (void)connection.readHead();
    connection.send("HTTP/1.1 200 OK\r\n\r\nall of it");
  });
  run([&](net::Shard&) -> Task<void> {
    auto response = co_await client().send(request("GET", "/"), nullptr, options_);
    EXPECT_TRUE(response);
    if (!response) co_return;
    EXPECT_FALSE((*response)->body().length());
    EXPECT_EQ(co_await readAll((*response)->body()), "all of it");
  });
}

struct BadResponse {
  const char* what;
  std::string text;
  ErrorCode code;
  bool in_content = false;
};

TEST_F(ClientTest, RefusesResponsesThatCanBeReadInTwoWays) {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  const std::vector<BadResponse> responses = {
      {"two lengths", ok + "content-length: 1\r\ncontent-length: 2\r\n\r\nab",
       ErrorCode::kProtocol},
      {"length and chunks", ok + "content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
       ErrorCode::kProtocol},
      {"a list of lengths", ok + "content-length: 1, 1\r\n\r\na", ErrorCode::kProtocol},
      {"a negative length", ok + "content-length: -1\r\n\r\n", ErrorCode::kProtocol},
      {"unknown coding", ok + "transfer-encoding: gzip\r\n\r\n", ErrorCode::kProtocol},
      {"bare line feeds", "HTTP/1.1 200 OK\ncontent-length: 0\n\n", ErrorCode::kProtocol},
      {"a folded line", ok + "x: a\r\n b\r\n\r\n", ErrorCode::kProtocol},
      {"space before the colon", ok + "content-length : 0\r\n\r\n", ErrorCode::kProtocol},
      {"another protocol", "SSH-2.0-OpenSSH\r\n", ErrorCode::kProtocol},
      {"switching protocols", "HTTP/1.1 101 x\r\nupgrade: y\r\n\r\n", ErrorCode::kProtocol},
      {"a head too large", ok + "x: " + std::string(70'000, 'a') + "\r\n\r\n",
       ErrorCode::kResourceExhausted},
      {"endless hints",
       [] {
         std::string text;
         for (int i = 0; i < 100; ++i) text += "HTTP/1.1 103 x\r\n\r\n";
         return text;
       }(),
       ErrorCode::kProtocol},
      {"half a head", "HTTP/1.1 200 OK\r\nx: ", ErrorCode::kIo},
      {"nothing", "", ErrorCode::kIo},
      {"less than its length", ok + "content-length: 5\r\n\r\nfour", ErrorCode::kProtocol, true},
      {"half a chunk", ok + "transfer-encoding: chunked\r\n\r\n5\r\nfour", ErrorCode::kProtocol,
       true},
      {"no last chunk", ok + "transfer-encoding: chunked\r\n\r\n4\r\nfour\r\n",
       ErrorCode::kProtocol, true},
      {"an odd chunk size", ok + "transfer-encoding: chunked\r\n\r\n0x4\r\nfour\r\n0\r\n\r\n",
       ErrorCode::kProtocol, true},
      {"a length among the trailers",
       ok + "transfer-encoding: chunked\r\n\r\n0\r\ncontent-length: 4\r\n\r\n",
       ErrorCode::kProtocol, true},
  };
  script([responses](ScriptServer& server) {
    for (const BadResponse& response : responses) {
      auto connection = server.accept();
      (void)connection.readHead();
      connection.send(response.text);
    }
  });
  run([&](net::Shard&) -> Task<void> {
    for (const BadResponse& bad : responses) {
      auto response = co_await client().send(request("GET", "/"), nullptr, options_);
      EXPECT_EQ(response.has_value(), bad.in_content) << bad.what;
      if (!response) {
        EXPECT_EQ(response.error().code(), bad.code) << bad.what << response.error().describe();
        continue;
      }
      const auto content = co_await readAll((*response)->body());
      EXPECT_FALSE(content) << bad.what;
      if (!content) EXPECT_EQ(content.error().code(), bad.code) << bad.what;
    }
  });
}

TEST_F(ClientTest, RefusesRequestsThatCouldBecomeTwo) {
  run([&](net::Shard&) -> Task<void> {
    const auto refused = [&](RequestHead head) -> Task<void> {
      auto response = co_await client().send(std::move(head), nullptr, options_);
      EXPECT_FALSE(response);
      if (!response) EXPECT_EQ(response.error().code(), ErrorCode::kInvalidArgument);
    };
    for (const char* method : {"", "GE T", "GET\r\nx: y", "GET /"}) {
      co_await refused(request(method, "/"));
    }
    for (const char* path : {"", "x", "/a b", "/a\r\nx: y", "/\t", "/a#b", "*", "http://x/"}) {
      co_await refused(request("GET", path));
    }
    for (const char* host : {"", "a b", "a\r\nx: y", "u@a", "a:99999", "a/b", "a:0"}) {
      RequestHead head = request("GET", "/");
      head.authority = host;
      co_await refused(std::move(head));
    }
    RequestHead value = request("GET", "/");
    value.headers.add("x", "a\r\ny: z");
    co_await refused(std::move(value));
    RequestHead name = request("GET", "/");
    name.headers.add("x: y\r\nz", "a");
    co_await refused(std::move(name));
    RequestHead length = request("POST", "/");
    length.headers.add("content-length", "5");
    co_await refused(std::move(length));
    EXPECT_EQ(opened(), 0U);
  });
}

TEST_F(ClientTest, FailsIfContentAndItsLengthDiffer) {
  script([](ScriptServer& server) {
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(server.accept().read(10'000).ends_with("abcd"));
  });
  run([&](net::Shard&) -> Task<void> {
    auto longer = bodyOf({"ab", "cd"}, 3);
    auto shorter = bodyOf({"ab"}, 3);
    for (BodyReader* body : {longer.get(), shorter.get()}) {
      auto response = co_await client().send(request("POST", "/"), body, options_);
      EXPECT_FALSE(response);
      if (!response) EXPECT_EQ(response.error().code(), ErrorCode::kInvalidArgument);
    }
    auto failing = [&]() -> Task<Result<std::optional<Bytes>>> {
      co_return fail(ErrorCode::kTrap, "the guest trapped");
    };
    ScriptBody body(failing);
    auto response = co_await client().send(request("POST", "/"), &body, options_);
    EXPECT_FALSE(response);
    if (!response) EXPECT_EQ(response.error().code(), ErrorCode::kTrap);
  });
}

TEST_F(ClientTest, StopsWaitingForServersThatStall) {
  script([](ScriptServer& server) {
    auto silent = server.accept();
    (void)silent.readHead();
    EXPECT_TRUE(silent.atEnd());
    auto slow = server.accept();
    (void)slow.readHead();
    slow.send("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe");
    EXPECT_TRUE(slow.atEnd());
  });
  run([&](net::Shard&) -> Task<void> {
    options_.first_byte_timeout = milliseconds(50);
    options_.stage = &stage_;
    auto silent = co_await client().send(request("GET", "/"), nullptr, options_);
    EXPECT_FALSE(silent);
    if (!silent) EXPECT_EQ(silent.error().code(), ErrorCode::kDeadlineExceeded);
    EXPECT_EQ(stage_, ClientStage::kAnswer);
    options_.first_byte_timeout = {};
    options_.between_bytes_timeout = milliseconds(50);
    auto slow = co_await client().send(request("GET", "/"), nullptr, options_);
    EXPECT_TRUE(slow);
    if (!slow) co_return;
    const auto content = co_await readAll((*slow)->body());
    EXPECT_FALSE(content);
    if (!content) EXPECT_EQ(content.error().code(), ErrorCode::kDeadlineExceeded);
  });
}

TEST_F(ClientTest, GivesTheServerItsTimeAnewWithEachPieceThatIsSent) {
  script([](ScriptServer& server) {
    auto connection = server.accept();
    (void)connection.readHead();
    (void)connection.read(5);
    connection.send(kHello);
  });
  run([&](net::Shard& shard) -> Task<void> {
    const TimePoint began = shard.now();
    options_.first_byte_timeout = milliseconds(1000);
    int pieces = 0;
    auto next = [&]() -> Task<Result<std::optional<Bytes>>> {
      if (pieces++ == 5) co_return std::nullopt;
      co_await shard.sleepFor(milliseconds(250));
      co_return Bytes::ofStatic("x");
    };
    ScriptBody body(next, 5);
    auto response = co_await client().send(request("PUT", "/"), &body, options_);
    EXPECT_TRUE(response) << (response ? "" : response.error().describe());
    EXPECT_GT(shard.now() - began, options_.first_byte_timeout);
  });
}

TEST_F(ClientTest, SaysHowFarARequestCame) {
  options_.stage = &stage_;
  run([&](net::Shard&) -> Task<void> {
    RequestHead unknown = request("GET", "/");
    unknown.authority = "nowhere.example";
    auto response = co_await client().send(std::move(unknown), nullptr, options_);
    EXPECT_TRUE(!response && response.error().code() == ErrorCode::kNotFound);
    EXPECT_EQ(stage_, ClientStage::kLookUp);
    response = co_await client().send(request("CONNECT", "/"), nullptr, options_);
    EXPECT_TRUE(!response && response.error().code() == ErrorCode::kUnsupported);
    EXPECT_EQ(stage_, ClientStage::kCheck);
    RequestHead closed = request("GET", "/");
    closed.authority = "server.example:1";  // a port that no test can have
    response = co_await client().send(std::move(closed), nullptr, options_);
    EXPECT_TRUE(!response && response.error().code() == ErrorCode::kUnavailable);
    EXPECT_EQ(stage_, ClientStage::kConnect);
  });
}

TEST_F(ClientTest, ClosesWhatIsGivenUp) {
  script([](ScriptServer& server) {
    auto unread = server.accept();
    (void)unread.readHead();
    unread.send("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe");
    EXPECT_TRUE(unread.atEnd());
    auto cancelled = server.accept();
    (void)cancelled.readHead();
    EXPECT_TRUE(cancelled.atEnd());
  });
  run([&](net::Shard& shard) -> Task<void> {
    {
      auto response = co_await client().send(request("GET", "/"), nullptr, options_);
      EXPECT_TRUE(response);
    }
    auto task = client().send(request("GET", "/"), nullptr, options_);
    task.start();
    while (opened() < 2) co_await shard.sleepFor(milliseconds(1));
  });
  finish();
}

}  // namespace
}  // namespace nimbus::http
