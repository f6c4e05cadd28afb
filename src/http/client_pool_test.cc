#include <gtest/gtest.h>

#include "base/sync.h"
#include "http/client_connect.h"
#include "http/client_test_server.h"
#include "http/shared_connections.h"

namespace nimbus::http {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kHello = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

// Requests that wait while the only connection of their key is in use.
class ClientQueueTest : public ClientTest {
 protected:
  void SetUp() override {
    ClientTest::SetUp();
    limits_.max_connections_per_key = 1;
    limits_.permit_wait = std::chrono::seconds(10);  // in case nobody gets any
  }

  // `authority`: empty for the one that the test's requests have.
  Task<void> expectHello(std::string path, std::string authority, RequestOptions options) {
    RequestHead head = request("GET", path);
    if (!authority.empty()) head.authority = std::move(authority);
    auto response = co_await client().send(std::move(head), nullptr, std::move(options));
    EXPECT_TRUE(response) << path << (response ? "" : response.error().describe());
    if (response) EXPECT_EQ(co_await readAll((*response)->body()), "hello");
  }

  std::string sameServer() const { return "127.0.0.1:" + std::to_string(server_.port()); }

  static void answer(ScriptConnection& connection, std::string_view path) {
    EXPECT_TRUE(connection.readHead().starts_with("GET " + std::string(path) + " "));
    connection.send(kHello);
  }
};

TEST_F(ClientTest, UsesOneConnectionForOneRequestAfterTheOther) {
  script([](ScriptServer& server) {
    auto connection = server.accept();
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE(connection.readHead().starts_with("GET /" + std::to_string(i)));
      connection.send(kHello);
    }
    EXPECT_TRUE(connection.atEnd());
  });
  run([&](net::Shard&) -> Task<void> {
    for (int i = 0; i < 3; ++i) {
      auto response =
          co_await client().send(request("GET", "/" + std::to_string(i)), nullptr, options_);
      EXPECT_TRUE(response);
      if (response) EXPECT_EQ(co_await readAll((*response)->body()), "hello");
    }
    EXPECT_EQ(opened(), 1U);
    client().forget("");
  });
  finish();
}

TEST_F(ClientTest, SharesConnectionsWithinAnIsolationKeyOnly) {
  script([](ScriptServer& server) {
    auto first = server.accept();
    (void)first.readHead();
    first.send(kHello);
    auto second = server.accept();
    (void)second.readHead();
    second.send(kHello);
    EXPECT_TRUE(second.atEnd());
  });
  run([&](net::Shard&) -> Task<void> {
    for (const char* key : {"one", "two"}) {
      options_.isolation_key = key;
      auto response = co_await client().send(request("GET", "/"), nullptr, options_);
      if (response) EXPECT_EQ(co_await readAll((*response)->body()), "hello");
    }
    EXPECT_EQ(opened(), 2U);
    client().forget("two");
  });
  finish();
}

TEST_F(ClientTest, ReusesOnlyWhatIsCleanlyOver) {
  const std::string_view responses[] = {
      "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello",
      "HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\n\r\n",  // and one more
  };
  script([&](ScriptServer& server) {
    for (const std::string_view response : responses) {
      auto connection = server.accept();
      (void)connection.readHead();
      connection.send(response);
      EXPECT_TRUE(connection.atEnd());
    }
  });
  run([&](net::Shard&) -> Task<void> {
    for (std::size_t i = 0; i < std::size(responses); ++i) {
      auto response = co_await client().send(request("GET", "/"), nullptr, options_);
      EXPECT_TRUE(response);
      if (response) EXPECT_EQ(co_await readAll((*response)->body()), "hello");
      EXPECT_EQ(opened(), i + 1);
    }
  });
}

TEST_F(ClientTest, NoticesThatAnIdleConnectionWasClosed) {
  script([](ScriptServer& server) {
    {
      auto connection = server.accept();
      (void)connection.readHead();
      connection.send(kHello);
    }
    auto connection = server.accept();
    (void)connection.readHead();
    connection.send(kHello);
  });
  run([&](net::Shard& shard) -> Task<void> {
    auto first = co_await client().send(request("POST", "/"), nullptr, options_);
    if (first) EXPECT_EQ(co_await readAll((*first)->body()), "hello");
    while (open_->value() > 0) co_await shard.sleepFor(milliseconds(1));
    auto second = co_await client().send(request("POST", "/"), nullptr, options_);
    EXPECT_TRUE(second) << "without any retry";
  });
}

TEST_F(ClientTest, TriesOnceMoreWhenAReusedConnectionTurnsOutToBeClosed) {
  script([](ScriptServer& server) {
    {
      auto connection = server.accept();
      (void)connection.readHead();
      connection.send(kHello);
      (void)connection.readHead();  // the second request; closed without an answer
    }
    auto connection = server.accept();
    EXPECT_TRUE(connection.readHead().starts_with("GET /second"));
    connection.send(kHello);
  });
  run([&](net::Shard&) -> Task<void> {
    auto first = co_await client().send(request("GET", "/first"), nullptr, options_);
    if (first) EXPECT_EQ(co_await readAll((*first)->body()), "hello");
    auto second = co_await client().send(request("GET", "/second"), nullptr, options_);
    EXPECT_TRUE(second);
    if (second) EXPECT_EQ(co_await readAll((*second)->body()), "hello");
  });
}

TEST_F(ClientTest, NeverRepeatsWhatMayHaveHadAnEffect) {
  script([](ScriptServer& server) {
    auto connection = server.accept();
    (void)connection.readHead();
    connection.send(kHello);
    (void)connection.readHead();
  });
  run([&](net::Shard&) -> Task<void> {
    auto first = co_await client().send(request("GET", "/"), nullptr, options_);
    if (first) EXPECT_EQ(co_await readAll((*first)->body()), "hello");
    auto second = co_await client().send(request("POST", "/"), nullptr, options_);
    EXPECT_FALSE(second);
    if (!second) EXPECT_EQ(second.error().code(), ErrorCode::kIo);
    EXPECT_EQ(opened(), 1U);
  });
}

TEST_F(ClientTest, DoesNotRetryOnAConnectionThatWasNew) {
  script([](ScriptServer& server) { (void)server.accept().readHead(); });
  run([&](net::Shard&) -> Task<void> {
    auto response = co_await client().send(request("GET", "/"), nullptr, options_);
    EXPECT_FALSE(response);
    EXPECT_EQ(opened(), 1U);
  });
}

TEST_F(ClientTest, NeverConnectsToAddressesThatPolicyForbids) {
  resolver_.add("rebound.example", {*net::IpAddress::parse("127.0.0.1")});
  run([&](net::Shard&) -> Task<void> {
    std::vector<std::string> asked;
    options_.check_address = [&](const net::IpAddress& address, std::uint16_t) -> Result<void> {
      asked.push_back(address.toString());
      return fail(ErrorCode::kPermissionDenied, "blocked_range");
    };
    options_.stage = &stage_;
    auto response = co_await client().send(request("GET", "/"), nullptr, options_);
    EXPECT_FALSE(response);
    EXPECT_EQ(stage_, ClientStage::kAddresses);
    if (!response) {
      EXPECT_EQ(response.error().code(), ErrorCode::kPermissionDenied);
      EXPECT_NE(response.error().describe().find("blocked_range"), std::string::npos);
    }
    EXPECT_EQ(asked, std::vector<std::string>{"127.0.0.1"});
    EXPECT_EQ(opened(), 0U);
  });
}

TEST_F(ClientTest, AsksThePolicyOfEachRequestAlsoForAConnectionThatIsKept) {
  script([](ScriptServer& server) {
    auto connection = server.accept();
    for (int i = 0; i < 2; ++i) {
      (void)connection.readHead();
      connection.send(kHello);
    }
  });
  run([&](net::Shard&) -> Task<void> {
    for (const bool allowed : {true, false, true}) {
      options_.check_address = [&](const net::IpAddress&, std::uint16_t port) -> Result<void> {
        EXPECT_EQ(port, server_.port());
        if (allowed) return {};
        return fail(ErrorCode::kPermissionDenied, "blocked_range");
      };
      auto response = co_await client().send(request("GET", "/"), nullptr, options_);
      EXPECT_EQ(response.has_value(), allowed);
      if (response) EXPECT_EQ(co_await readAll((*response)->body()), "hello");
    }
    EXPECT_EQ(opened(), 1U);
  });
}

TEST(OrderAddresses, SkipsForbiddenOnesAndLetsFamiliesTakeTurns) {
  std::vector<net::IpAddress> addresses;
  for (const char* text : {"2001:db8::1", "2001:db8::2", "10.0.0.1", "10.0.0.2", "10.0.0.3"}) {
    addresses.push_back(*net::IpAddress::parse(text));
  }
  const auto forbidden = [](const net::IpAddress& address, std::uint16_t) -> Result<void> {
    if (address.toString() != "10.0.0.1") return {};
    return fail(ErrorCode::kPermissionDenied, "no");
  };
  const auto ordered = orderAddresses(addresses, {"x.example", 80}, forbidden);
  ASSERT_TRUE(ordered);
  std::vector<std::string> texts;
  for (const auto& endpoint : *ordered) texts.push_back(endpoint.address.toString());
  EXPECT_EQ(texts,
            (std::vector<std::string>{"2001:db8::1", "10.0.0.2", "2001:db8::2", "10.0.0.3"}));
  EXPECT_EQ(orderAddresses({}, {"x.example", 80}, nullptr).error().code(), ErrorCode::kNotFound);
}

TEST_F(ClientTest, TriesTheNextAddressWhenOneRefuses) {
  // Nothing listens on this port of the other loopback address.
  resolver_.add("two.example",
                {*net::IpAddress::parse("127.0.0.2"), *net::IpAddress::parse("127.0.0.1")});
  script([](ScriptServer& server) {
    auto connection = server.accept();
    (void)connection.readHead();
    connection.send(kHello);
  });
  run([&](net::Shard&) -> Task<void> {
    RequestHead head = request("GET", "/");
    head.authority = "two.example:" + std::to_string(server_.port());
    auto response = co_await client().send(std::move(head), nullptr, options_);
    EXPECT_TRUE(response);
    RequestHead refused = request("GET", "/");
    refused.authority = "127.0.0.2:" + std::to_string(server_.port());
    auto failed = co_await client().send(std::move(refused), nullptr, options_);
    EXPECT_FALSE(failed);
    if (!failed) EXPECT_EQ(failed.error().code(), ErrorCode::kUnavailable);
    RequestHead unknown = request("GET", "/");
    unknown.authority = "unknown.example";
    auto missing = co_await client().send(std::move(unknown), nullptr, options_);
    EXPECT_FALSE(missing);
    if (!missing) EXPECT_EQ(missing.error().code(), ErrorCode::kNotFound);
  });
}

TEST_F(ClientTest, LimitsConnectionsOfAKeyAndLetsTheOthersWait) {
  limits_.max_connections_per_key = 1;
  script([](ScriptServer& server) {
    auto connection = server.accept();
    for (int i = 0; i < 2; ++i) {
      (void)connection.readHead();
      connection.send(kHello);
    }
  });
  run([&](net::Shard&) -> Task<void> {
    auto first = co_await client().send(request("GET", "/1"), nullptr, options_);
    EXPECT_TRUE(first);
    auto waiting = client().send(request("GET", "/2"), nullptr, options_);
    EXPECT_FALSE(waiting.start());
    if (first) EXPECT_EQ(co_await readAll((*first)->body()), "hello");
    while (!waiting.done()) co_await (*group_)[0].sleepFor(milliseconds(1));
    EXPECT_TRUE(waiting.take());
    EXPECT_EQ(opened(), 1U);
  });
}

TEST_F(ClientQueueTest, ServesFirstWhoCameFirst) {
  script([](ScriptServer& server) {
    auto connection = server.accept();
    for (const char* path : {"/1", "/2", "/3", "/4", "/5"}) answer(connection, path);
  });
  run([&](net::Shard&) -> Task<void> {
    auto first = co_await client().send(request("GET", "/1"), nullptr, options_);
    EXPECT_TRUE(first);
    TaskSet waiting;
    for (const char* path : {"/2", "/3", "/4", "/5"}) {
      waiting.spawn(expectHello(path, "", options_));
    }
    if (first) EXPECT_EQ(co_await readAll((*first)->body()), "hello");
    co_await waiting.empty();
    EXPECT_EQ(opened(), 1U);
  });
}

TEST_F(ClientQueueTest, ServesFirstWhoCameFirstAlsoWhereOriginsDiffer) {
  script([](ScriptServer& server) {
    for (const char* path : {"/1", "/2", "/3", "/4"}) {
      auto connection = server.accept();
      answer(connection, path);
      EXPECT_TRUE(connection.atEnd()) << "it makes room for the other origin's";
    }
  });
  run([&](net::Shard&) -> Task<void> {
    auto first = co_await client().send(request("GET", "/1"), nullptr, options_);
    EXPECT_TRUE(first);
    TaskSet waiting;
    waiting.spawn(expectHello("/2", sameServer(), options_));
    waiting.spawn(expectHello("/3", "", options_));
    waiting.spawn(expectHello("/4", sameServer(), options_));
    if (first) EXPECT_EQ(co_await readAll((*first)->body()), "hello");
    co_await waiting.empty();
    EXPECT_EQ(opened(), 4U);
    client().forget("");
  });
  finish();
}

TEST_F(ClientQueueTest, WhatOneMayNotUseGoesToTheNext) {
  script([](ScriptServer& server) {
    for (const char* path : {"/1", "/3"}) {
      auto connection = server.accept();
      answer(connection, path);
    }
  });
  run([&](net::Shard&) -> Task<void> {
    auto first = co_await client().send(request("GET", "/1"), nullptr, options_);
    EXPECT_TRUE(first);
    RequestOptions forbidden = options_;
    forbidden.check_address = [](const net::IpAddress&, std::uint16_t) -> Result<void> {
      return fail(ErrorCode::kPermissionDenied, "blocked_range");
    };
    auto second = client().send(request("GET", "/2"), nullptr, forbidden);
    EXPECT_FALSE(second.start());
    TaskSet waiting;
    waiting.spawn(expectHello("/3", "", options_));
    if (first) EXPECT_EQ(co_await readAll((*first)->body()), "hello");
    co_await waiting.empty();
    EXPECT_TRUE(second.done());
    if (second.done()) EXPECT_EQ(second.take().error().code(), ErrorCode::kPermissionDenied);
    EXPECT_EQ(opened(), 2U);
  });
}

TEST_F(ClientQueueTest, WhoGivesUpLeavesTheOthersTheirPlaces) {
  script([](ScriptServer& server) {
    auto connection = server.accept();
    for (const char* path : {"/1", "/3", "/4"}) answer(connection, path);
  });
  run([&](net::Shard&) -> Task<void> {
    auto first = co_await client().send(request("GET", "/1"), nullptr, options_);
    EXPECT_TRUE(first);
    TaskSet waiting;
    {
      auto second = client().send(request("GET", "/2"), nullptr, options_);
      EXPECT_FALSE(second.start());
      waiting.spawn(expectHello("/3", "", options_));
      waiting.spawn(expectHello("/4", "", options_));
    }
    if (first) EXPECT_EQ(co_await readAll((*first)->body()), "hello");
    co_await waiting.empty();
    EXPECT_EQ(opened(), 1U);
  });
}

TEST_F(ClientTest, ClientsOfSeveralShardsHaveTheLimitTogetherAndGiveUpWhatIdles) {
  script([](ScriptServer& server) {
    for (int i = 0; i < 3; ++i) {
      auto connection = server.accept();
      (void)connection.readHead();
      connection.send(kHello);
      EXPECT_TRUE(connection.atEnd());
    }
  });
  run([&](net::Shard& shard) -> Task<void> {
    const auto shared = std::make_shared<ClientConnections>(1);
    auto one = makeClient(shard, resolver_, tls_, limits_, metrics_, shared);
    auto other = makeClient(shard, resolver_, tls_, limits_, metrics_, shared);
    auto first = co_await one->send(request("GET", "/1"), nullptr, options_);
    EXPECT_TRUE(first);
    auto waiting = other->send(request("GET", "/2"), nullptr, options_);
    EXPECT_FALSE(waiting.start()) << "there is one already";
    if (first) EXPECT_EQ(co_await readAll((*first)->body()), "hello");
    while (!waiting.done()) co_await shard.sleepFor(milliseconds(1));
    auto second = waiting.take();
    EXPECT_TRUE(second);
    if (second) EXPECT_EQ(co_await readAll((*second)->body()), "hello");
    // The other one's connection idles now.
    auto third = co_await one->send(request("GET", "/3"), nullptr, options_);
    EXPECT_TRUE(third);
    EXPECT_EQ(opened(), 3U);
  });
}

TEST_F(ClientTest, GivesUpWaitingForAConnection) {
  limits_.max_connections_per_key = 1;
  limits_.permit_wait = milliseconds(30);
  script([](ScriptServer& server) {
    auto connection = server.accept();
    (void)connection.readHead();
    connection.send(kHello.substr(0, kHello.size() - 1));
    EXPECT_TRUE(connection.atEnd());
  });
  run([&](net::Shard&) -> Task<void> {
    auto first = co_await client().send(request("GET", "/1"), nullptr, options_);
    EXPECT_TRUE(first);
    options_.stage = &stage_;
    auto second = co_await client().send(request("GET", "/2"), nullptr, options_);
    EXPECT_FALSE(second);
    if (!second) EXPECT_EQ(second.error().code(), ErrorCode::kUnavailable);
    EXPECT_EQ(stage_, ClientStage::kQueue);
    // Another key has connections of its own.
    options_.isolation_key = "other";
    options_.connect_timeout = milliseconds(500);
    options_.first_byte_timeout = milliseconds(20);
    auto third = co_await client().send(request("GET", "/3"), nullptr, options_);
    EXPECT_FALSE(third);
    if (!third) EXPECT_EQ(third.error().code(), ErrorCode::kDeadlineExceeded);
  });
}

TEST_F(ClientTest, ClosesConnectionsThatStayIdle) {
  limits_.idle_timeout = milliseconds(40);
  script([](ScriptServer& server) {
    auto connection = server.accept();
    (void)connection.readHead();
    connection.send(kHello);
    EXPECT_TRUE(connection.atEnd());
  });
  run([&](net::Shard&) -> Task<void> {
    auto response = co_await client().send(request("GET", "/"), nullptr, options_);
    if (response) EXPECT_EQ(co_await readAll((*response)->body()), "hello");
  });
  finish();
}

TEST_F(ClientTest, KeepsNoMoreIdleConnectionsThanAllowed) {
  limits_.max_idle_per_authority = 1;
  script([](ScriptServer& server) {
    auto one = server.accept();
    (void)one.readHead();
    auto two = server.accept();
    (void)two.readHead();
    one.send(kHello);
    two.send(kHello);
    EXPECT_TRUE(one.atEnd());
  });
  run([&](net::Shard& shard) -> Task<void> {
    auto one = client().send(request("GET", "/"), nullptr, options_);
    one.start();
    while (opened() < 1) co_await shard.sleepFor(milliseconds(1));
    auto two = co_await client().send(request("GET", "/"), nullptr, options_);
    while (!one.done()) co_await shard.sleepFor(milliseconds(1));
    auto first = one.take();
    if (first) EXPECT_EQ(co_await readAll((*first)->body()), "hello");
    if (two) EXPECT_EQ(co_await readAll((*two)->body()), "hello");
    EXPECT_EQ(open_->value(), 1);
  });
  finish();
}

TEST_F(ClientTest, OutlivesItsClient) {
  script([](ScriptServer& server) {
    auto connection = server.accept();
    (void)connection.readHead();
    connection.send(kHello);
  });
  run([&](net::Shard&) -> Task<void> {
    auto response = co_await client().send(request("GET", "/"), nullptr, options_);
    EXPECT_TRUE(response);
    client_.reset();
    if (response) EXPECT_EQ(co_await readAll((*response)->body()), "hello");
  });
}

}  // namespace
}  // namespace nimbus::http
