// Servers that do not behave as one of Redis does.

#include <vector>

#include "base/sync.h"
#include "capability/keyvalue/conformance_cases.h"
#include "capability/keyvalue/redis/redis_store.h"
#include "net/socket.h"
#include "net/test_support.h"

namespace nimbus::keyvalue {
namespace {

// Answers the first that comes on a connection with `welcome`, and what comes then with `answer`;
// closes where that is empty. Of one shard.
class FakeServer {
 public:
  FakeServer(net::Shard& shard, std::string path, std::string welcome, std::string answer)
      : welcome_(std::move(welcome)), answer_(std::move(answer)) {
    auto sockets = net::listenOn({.address = {}, .port = 0, .unix_path = std::move(path)}, 1);
    EXPECT_TRUE(sockets) << sockets.error().describe();
    acceptor_ = net::makeAcceptor(shard, std::move(sockets->front()),
                                  [this](std::unique_ptr<net::Stream> stream) {
                                    connections_ += 1;
                                    tasks_.spawn(serve(std::move(stream)));
                                  });
  }
  [[nodiscard]] int connections() const { return connections_; }

 private:
  Task<void> serve(std::unique_ptr<net::Stream> stream) {
    std::vector<std::uint8_t> buffer(4096);
    const auto asked = co_await stream->read(buffer);
    if (!asked || welcome_.empty()) co_return;
    if (!co_await stream->writeAll(asBytes(welcome_))) co_return;
    const auto more = co_await stream->read(buffer);
    if (!more || *more == 0) co_return;
    if (answer_.empty()) co_return;
    if (!co_await stream->writeAll(asBytes(answer_))) co_return;
    while (true) {
      const auto rest = co_await stream->read(buffer);
      if (!rest || *rest == 0) co_return;
    }
  }

  const std::string welcome_;
  const std::string answer_;
  int connections_ = 0;
  std::unique_ptr<net::Acceptor> acceptor_;
  TaskSet tasks_;
};

class RedisHostileTest : public net::ShardTest {
 protected:
  // What the first call fails by, as "CODE: message".
  std::string failureOf(std::string welcome, std::string answer, std::string_view password = {}) {
    std::string failure;
    run([&](net::Shard& shard) -> Task<void> {
      const TemporaryFolder folder;
      const FakeServer server(shard, folder.path("s"), std::move(welcome), std::move(answer));
      RedisOptions options{.url = "unix:" + folder.path("s")};
      if (!password.empty()) {
        folder.write("password", password);
        options.password_file = folder.path("password");
      }
      options.connect_timeout = std::chrono::seconds(20);
      options.response_timeout = std::chrono::seconds(20);
      auto store = RedisStore::open(options);
      EXPECT_TRUE(store);
      {
        const auto bucket = co_await (*store)->keyspace("k")->open("b");
        EXPECT_FALSE(bucket);
        if (!bucket)
          failure = std::string(errorCodeName(*codeOf(bucket))) + ": " + bucket.error().describe();
      }
      store->reset();
    });
    return failure;
  }
};

TEST_F(RedisHostileTest, WhatIsNoReplyEndsTheConnection) {
  const std::string failure = failureOf("+PONG\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n");
  EXPECT_TRUE(failure.contains("what came is no reply of a Redis server")) << failure;
  EXPECT_TRUE(failure.starts_with(errorCodeName(ErrorCode::kUnavailable))) << failure;
}

TEST_F(RedisHostileTest, SoDoesAWelcomeThatIsNone) {
  EXPECT_TRUE(failureOf("SSH-2.0-server\r\n", "").contains("no reply of a Redis server"));
  EXPECT_TRUE(failureOf("-DENIED protected mode\r\n", "").contains("DENIED protected mode"));
  EXPECT_TRUE(failureOf("-LOADING the dataset\r\n", "").contains("LOADING"));
  EXPECT_TRUE(
      failureOf("-NOAUTH Authentication required.\r\n", "").contains("asks for a password"));
}

TEST_F(RedisHostileTest, RepliesThatAreTooLargeEndTheConnection) {
  EXPECT_TRUE(failureOf("+PONG\r\n", "$1000000000\r\n" + std::string(1 << 20, 'x'))
                  .contains("a reply of more than 65536 bytes"));
  EXPECT_TRUE(
      failureOf("+PONG\r\n", "*2147483647\r\n").contains("a reply of more than 64 elements"));
}

TEST_F(RedisHostileTest, AConnectionThatClosesIsNoAnswer) {
  EXPECT_TRUE(failureOf("+PONG\r\n", "").contains("closed the connection"));
  EXPECT_TRUE(failureOf("", "").contains("closed the connection"));
}

TEST_F(RedisHostileTest, WhatTheServerRefusesIsToldInASafeForm) {
  const std::string coloured = failureOf("+PONG\r\n", "-ERR n\x1b[31mo\r\n");
  EXPECT_TRUE(coloured.ends_with("the Redis server refuses: \"ERR n\\u{1b}[31mo\"")) << coloured;
  const std::string denied = failureOf("+PONG\r\n", "-NOAUTH Authentication required.\r\n");
  EXPECT_TRUE(denied.starts_with(errorCodeName(ErrorCode::kPermissionDenied))) << denied;
}

TEST_F(RedisHostileTest, APasswordThatAServerRepeatsIsToldNobody) {
  const std::string failure = failureOf(
      "-ERR unknown command 'AUTH', with args beginning with: 's3cret'\r\n", "", "s3cret");
  EXPECT_TRUE(failure.ends_with("the server refuses the password, or its user (ERR)")) << failure;
  EXPECT_TRUE(failureOf("-s3cret\r\n", "", "s3cret").ends_with("(no reason given)"));
}

TEST_F(RedisHostileTest, AReplyOfAnotherKindIsAnError) {
  for (const char* reply : {"+OK\r\n", "$-1\r\n", "*0\r\n", "$1\r\n0\r\n", ":77\r\n"}) {
    const std::string failure = failureOf("+PONG\r\n", reply);
    EXPECT_TRUE(failure.contains("a reply to something else")) << failure;
  }
}

TEST_F(RedisHostileTest, AServerThatAnswersUnaskedIsLeft) {
  run([&](net::Shard& shard) -> Task<void> {
    const TemporaryFolder folder;
    const FakeServer server(shard, folder.path("s"), "+PONG\r\n+PONG\r\n", "");
    auto store = RedisStore::open({.url = "unix:" + folder.path("s")});
    EXPECT_TRUE(store);
    // It comes again, with pauses that grow.
    const std::string_view problem = "a reply that nobody has asked for";
    const TimePoint end = shard.now() + std::chrono::seconds(60);
    while ((server.connections() < 3 || !(*store)->problem().contains(problem)) &&
           shard.now() < end)
      co_await shard.sleepFor(std::chrono::milliseconds(1));
    EXPECT_GE(server.connections(), 3);
    EXPECT_TRUE((*store)->problem().contains(problem)) << (*store)->problem();
    store->reset();
  });
}

Task<void> expectUnavailable(Keyspace& keyspace) {
  EXPECT_EQ(codeOf(co_await keyspace.open("b")), ErrorCode::kUnavailable);
}

TEST_F(RedisHostileTest, WhatWaitsBehindAServerThatStallsFailsWithTheRest) {
  run([&](net::Shard& shard) -> Task<void> {
    const TemporaryFolder folder;
    const FakeServer server(shard, folder.path("s"), "+PONG\r\n", "+the reply has no e");
    RedisOptions options{.url = "unix:" + folder.path("s")};
    options.response_timeout = std::chrono::seconds(1);
    auto store = RedisStore::open(options);
    EXPECT_TRUE(store);
    {
      const auto keyspace = (*store)->keyspace("k");
      TaskSet tasks;
      // More than are sent at once.
      for (int i = 0; i < 1500; ++i) tasks.spawn(expectUnavailable(*keyspace));
      co_await tasks.empty();
    }
    EXPECT_EQ(server.connections(), 1);
    store->reset();
  });
}

TEST_F(RedisHostileTest, AReplicaIsLeftWithPausesThatGrow) {
  run([&](net::Shard& shard) -> Task<void> {
    const TemporaryFolder folder;
    // As an error within a script, before Redis 7.
    const FakeServer server(shard, folder.path("s"), "+PONG\r\n",
                            "-ERR Error running script (call to f_0): @user_script:3: -READONLY "
                            "You can't write against a read only replica.\r\n");
    auto store = RedisStore::open({.url = "unix:" + folder.path("s")});
    EXPECT_TRUE(store);
    const TimePoint begin = shard.now();
    bool is_told = false;
    while (server.connections() < 4 && shard.now() < begin + std::chrono::seconds(60)) {
      EXPECT_EQ(codeOf(co_await (*store)->keyspace("k")->open("b")), ErrorCode::kUnavailable);
      is_told = is_told || (*store)->problem().contains("it is a replica");
      co_await shard.sleepFor(std::chrono::milliseconds(1));
    }
    EXPECT_TRUE(is_told);
    EXPECT_GE(server.connections(), 4);
    // 50, 100 and 200 ms.
    EXPECT_GE(shard.now() - begin, std::chrono::milliseconds(300));
    store->reset();
  });
}

}  // namespace
}  // namespace nimbus::keyvalue
