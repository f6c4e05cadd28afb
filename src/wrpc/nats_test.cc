#include <gtest/gtest.h>

#include "nats/test_server.h"
#include "wrpc/framed_test_support.h"
#include "wrpc/nats_client.h"
#include "wrpc/nats_server.h"

// Client and server of the NATS dialect, through a real NATS server.
namespace nimbus::wrpc {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Seen = TestInvoker::Seen;

const Consumer kNobody;

class NatsTest : public net::ShardTest {
 protected:
  // What a test has on its shard.
  struct World {
    net::Shard& shard;
    std::shared_ptr<nats::Connection> connection;
    std::unique_ptr<NatsServer> server;
    std::shared_ptr<Invoker> client;
    std::unique_ptr<Session> session;

    Eventual<Result<Values>> call(std::string_view function, Values params = {},
                                  const TupleShape* results = nullptr,
                                  std::optional<TimePoint> deadline = std::nullopt) {
      context.emplace(CallContext{
          .consumer = kNobody, .deadline = deadline, .trace_parent = {}, .results = results});
      return session->invoke(*context, *client->resolve({"test:service/calls", function}),
                             std::move(params));
    }
    std::optional<CallContext> context;
  };

  static std::vector<std::pair<std::string, std::string>> functions() {
    std::vector<std::pair<std::string, std::string>> all;
    for (const char* name : {"echo", "none", "fail", "hang", "pass", "two", "flood", "wait"}) {
      all.emplace_back("test:service/calls", name);
    }
    return all;
  }

  Task<std::shared_ptr<nats::Connection>> connect(net::Shard& shard) {
    auto connection = co_await nats::Connection::connect(shard, {.servers = {nats_.url()}}, log_);
    EXPECT_TRUE(connection);
    co_return std::move(*connection);
  }

  void with(std::function<Task<void>(World&)> body) {
    run([&](net::Shard& shard) -> Task<void> {
      auto connection = co_await connect(shard);
      server_options_.functions = functions();
      auto server = co_await makeNatsServer(
          shard, connection, std::make_shared<TestInvoker>(seen_, types_), server_options_, log_);
      EXPECT_TRUE(server) << server.error().describe();
      World world{.shard = shard,
                  .connection = connection,
                  .server = std::move(*server),
                  .client = makeNatsInvoker(connection, client_options_),
                  .session = nullptr,
                  .context = {}};
      world.session = world.client->open(shard, std::make_shared<Consumer>(consumer_));
      co_await body(world);
      world.session = nullptr;
      world.server = nullptr;
      co_await connection->close();
    });
  }

  nats::TestServer nats_;
  TestLog log_;
  std::shared_ptr<Seen> seen_ = std::make_shared<Seen>();
  TestInvoker::Types types_ = TestInvoker::Types::kKnown;
  NatsServerOptions server_options_{.prefix = "test", .queue_group = "test", .functions = {}};
  NatsClientOptions client_options_{.prefix = "test"};
  Consumer consumer_;
  const TestShape list_{std::nullopt, TestShape::Channels::kNone};
  const TestShape nothing_{0, TestShape::Channels::kNone};
  const TestShape byte_{1, TestShape::Channels::kNone};
  const TestShape stream_{1, TestShape::Channels::kSome};
};

Values bytesOf(std::string text) {
  Values values;
  values.bytes.append(Bytes::take(std::move(text)));
  return values;
}

// A byte list of so many bytes with its length.
std::string listOf(std::size_t count, char fill = 'x') {
  std::string text;
  std::size_t rest = count;
  for (; rest >= 0x80; rest >>= 7) text += static_cast<char>(0x80 | (rest & 0x7f));
  text += static_cast<char>(rest);
  return text + std::string(count, fill);
}

Task<std::string> readAll(std::unique_ptr<ByteSource> source) {
  std::string text;
  for (;;) {
    auto piece = co_await source->read();
    if (!piece) co_return text + "!" + std::string(errorCodeName(piece.error().code()));
    if (!*piece) co_return text;
    text += textOf(**piece);
  }
}

TEST_F(NatsTest, AnswersACall) {
  with([&](World& world) -> Task<void> {
    const auto results = co_await world.call("echo", bytesOf("\x05hello"), &list_);
    EXPECT_TRUE(results) << results.error().describe();
    EXPECT_EQ(textOf(results->bytes), "\x05hello");
    EXPECT_EQ(results->arriving, nullptr);
  });
}

TEST_F(NatsTest, AnswersAlsoWithoutKnowingTypes) {
  types_ = TestInvoker::Types::kUnknown;
  with([&](World& world) -> Task<void> {
    const auto results = co_await world.call("echo", bytesOf("\x05hello"));
    EXPECT_TRUE(results) << results.error().describe();
    EXPECT_EQ(textOf(results->bytes), "\x05hello");
  });
}

TEST_F(NatsTest, CallsWhatTakesAndGivesNothing) {
  with([&](World& world) -> Task<void> {
    const auto results = co_await world.call("none", {}, &nothing_);
    EXPECT_TRUE(results) << results.error().describe();
    EXPECT_TRUE(results->bytes.empty());
    EXPECT_EQ(seen_->calls, 1);
  });
}

TEST_F(NatsTest, CutsLargeValuesIntoMessages) {
  with([&](World& world) -> Task<void> {
    for (const std::size_t count : {1048000u, 1048575u, 1048576u, 5000000u}) {
      const std::string list = listOf(count);
      const auto results = co_await world.call("echo", bytesOf(list), &list_);
      EXPECT_TRUE(results) << results.error().describe();
      EXPECT_EQ(textOf(results->bytes), list);
    }
  });
}

TEST_F(NatsTest, PassesStreamsBothWays) {
  with([&](World& world) -> Task<void> {
    auto written = std::make_shared<TestSource::State>();
    Values params = bytesOf(std::string(1, '\0'));
    params.channels.push_back({{0}, std::make_unique<TestSource>(written)});
    auto results = co_await world.call("pass", std::move(params), &stream_);
    EXPECT_TRUE(results) << results.error().describe();
    EXPECT_EQ(textOf(results->bytes), std::string(1, '\0'));
    written->send("one");
    written->send("two");
    auto source = results->take({0});
    auto first = co_await source->read();
    EXPECT_EQ(textOf(**first).substr(0, 3), "one");
    written->end();
    const std::string rest = co_await readAll(std::move(source));
    EXPECT_TRUE(rest == "two" || rest.empty()) << rest;
  });
}

// As a relay does: neither side knows where tuples end or which streams there are.
TEST_F(NatsTest, PassesStreamsWithoutKnowingTypes) {
  types_ = TestInvoker::Types::kUnknown;
  with([&](World& world) -> Task<void> {
    auto written = std::make_shared<TestSource::State>();
    written->send("all of it");
    written->end();
    Values params = bytesOf(std::string(1, '\0'));
    params.channels.push_back({{0}, std::make_unique<TestSource>(written)});
    auto results = co_await world.call("pass", std::move(params));
    EXPECT_TRUE(results) << results.error().describe();
    auto channel = co_await results->arriving->next();
    EXPECT_TRUE(channel && *channel);
    EXPECT_EQ((*channel)->path, IndexPath{0});
    EXPECT_EQ(co_await readAll(std::move((*channel)->source)), "all of it");
    auto end = co_await results->arriving->next();
    EXPECT_TRUE(end);
    EXPECT_FALSE(*end);
  });
}

TEST_F(NatsTest, RunsManyCallsAtOnce) {
  with([&](World& world) -> Task<void> {
    TaskSet tasks;
    int answered = 0;
    const auto one = [](Eventual<Result<Values>> call, std::string expected,
                        int* count) -> Task<void> {
      const auto results = co_await std::move(call);
      EXPECT_TRUE(results);
      EXPECT_EQ(textOf(results->bytes), expected);
      *count += 1;
    };
    for (int number = 0; number < 100; ++number) {
      const std::string list = listOf(number * 10, static_cast<char>('a' + number % 26));
      tasks.spawn(one(world.call("echo", bytesOf(list), &list_), list, &answered));
    }
    co_await tasks.empty();
    EXPECT_EQ(answered, 100);
  });
}

TEST_F(NatsTest, SaysThatNobodyServesIt) {
  with([&](World& world) -> Task<void> {
    auto results = co_await world.call("unknown");
    EXPECT_FALSE(results);
    EXPECT_EQ(results.error().code(), ErrorCode::kNotFound);
    // The slot serves the next call.
    results = co_await world.call("echo", bytesOf("\x01x"), &list_);
    EXPECT_TRUE(results);
  });
}

TEST_F(NatsTest, ReportsAFailedCall) {
  with([&](World& world) -> Task<void> {
    const auto results = co_await world.call("fail", {}, &nothing_);
    EXPECT_FALSE(results);
    EXPECT_EQ(results.error().code(), ErrorCode::kTrap);
    EXPECT_TRUE(log_.mentions("the guest trapped"));
  });
}

TEST_F(NatsTest, EndsACallThatTakesTooLong) {
  with([&](World& world) -> Task<void> {
    const auto results =
        co_await world.call("hang", {}, &nothing_, world.shard.now() + milliseconds(30));
    EXPECT_FALSE(results);
    EXPECT_EQ(results.error().code(), ErrorCode::kDeadlineExceeded);
  });
}

// Nobody tells the server that the client has given up.
TEST_F(NatsTest, EndsAHangingCallAtTheServerByItsOwnLimit) {
  server_options_.call_timeout = milliseconds(30);
  with([&](World& world) -> Task<void> {
    const auto results = co_await world.call("hang", {}, &nothing_);
    EXPECT_FALSE(results);
    EXPECT_EQ(results.error().code(), ErrorCode::kDeadlineExceeded);
    EXPECT_EQ(seen_->running, 0);
    EXPECT_EQ(world.server->callCount(), 0u);
  });
}

TEST_F(NatsTest, RefusesMoreCallsThanItMayRun) {
  server_options_.max_calls = 1;
  with([&](World& world) -> Task<void> {
    TaskSet tasks;
    const auto hang = [](Eventual<Result<Values>> call) -> Task<void> {
      (void)co_await std::move(call);
    };
    tasks.spawn(hang(world.call("hang", {}, &nothing_)));
    co_await seen_->hanging.wait();
    const auto results = co_await world.call("none", {}, &nothing_);
    EXPECT_FALSE(results);
    EXPECT_EQ(results.error().code(), ErrorCode::kUnavailable);
  });
}

TEST_F(NatsTest, RefusesMoreCallsThanTheClientMayMake) {
  client_options_.max_calls_per_shard = 1;
  with([&](World& world) -> Task<void> {
    TaskSet tasks;
    const auto hang = [](Eventual<Result<Values>> call) -> Task<void> {
      (void)co_await std::move(call);
    };
    tasks.spawn(hang(world.call("hang", {}, &nothing_)));
    const auto results = co_await world.call("none", {}, &nothing_);
    EXPECT_FALSE(results);
    EXPECT_EQ(results.error().code(), ErrorCode::kResourceExhausted);
  });
}

TEST_F(NatsTest, LimitsWhatCallsHoldTogether) {
  client_options_.max_held_bytes = 1000;
  with([&](World& world) -> Task<void> {
    auto first = world.call("echo", bytesOf(listOf(600)), &list_);
    const auto second = co_await world.call("echo", bytesOf(listOf(600)), &list_);
    EXPECT_FALSE(second) << "nothing is sent yet";
    if (!second) EXPECT_EQ(second.error().code(), ErrorCode::kResourceExhausted);
    EXPECT_TRUE(co_await std::move(first));
    EXPECT_TRUE(co_await world.call("echo", bytesOf(listOf(600)), &list_)) << "all is free again";
  });
}

TEST_F(NatsTest, RefusesParametersThatDoNotDecode) {
  with([&](World& world) -> Task<void> {
    const auto results = co_await world.call("none", bytesOf("more than nothing"), &nothing_);
    EXPECT_FALSE(results);
    EXPECT_EQ(results.error().code(), ErrorCode::kProtocol);
    EXPECT_EQ(seen_->calls, 0);
  });
}

TEST_F(NatsTest, RefusesTooManyBytes) {
  server_options_.max_root_bytes = 1000;
  with([&](World& world) -> Task<void> {
    const auto results = co_await world.call("echo", bytesOf(listOf(2000)), &list_);
    EXPECT_FALSE(results);
    EXPECT_EQ(results.error().code(), ErrorCode::kResourceExhausted);
  });
}

TEST_F(NatsTest, FailsACallWhoseParametersCannotBeSent) {
  with([&](World& world) -> Task<void> {
    auto written = std::make_shared<TestSource::State>();
    written->fail(Error(ErrorCode::kIo, "its disk is gone"));
    Values params;
    params.channels.push_back({{0}, std::make_unique<TestSource>(written)});
    const auto results = co_await world.call("hang", std::move(params), &nothing_);
    EXPECT_FALSE(results);
  });
}

TEST_F(NatsTest, FailsAStreamThatIsReadTooSlowly) {
  client_options_.channels = {.read_ahead_bytes = 64 * 1024, .max_undelivered_bytes = 1024 * 1024};
  with([&](World& world) -> Task<void> {
    auto results = co_await world.call("flood", {}, &stream_);
    EXPECT_TRUE(results);
    auto source = results->take({0});
    // Reads once, then lets it run over.
    EXPECT_TRUE(co_await source->read());
    while (seen_->flood_bytes < 64 * 1024 * 1024) co_await world.shard.sleepFor(milliseconds(1));
    const std::string rest = co_await readAll(std::move(source));
    EXPECT_TRUE(rest.ends_with("!" + std::string(errorCodeName(ErrorCode::kResourceExhausted))));
    EXPECT_LE(rest.size(), 2u * 1024 * 1024);
  });
}

TEST_F(NatsTest, CancelsWithTheSession) {
  with([&](World& world) -> Task<void> {
    TaskSet tasks;
    std::optional<ErrorCode> code;
    const auto hang = [](Eventual<Result<Values>> call,
                         std::optional<ErrorCode>* into) -> Task<void> {
      const auto results = co_await std::move(call);
      if (!results) *into = results.error().code();
    };
    tasks.spawn(hang(world.call("hang", {}, &nothing_), &code));
    co_await seen_->hanging.wait();
    tasks.cancelAll();
    EXPECT_FALSE(world.session->inUse());
    EXPECT_FALSE(code);
  });
}

TEST_F(NatsTest, TellsTheServerWhoCalls) {
  consumer_ = {.workload = "shop",
               .component = "cart",
               .binding = "b1",
               .link_name = "cache",
               .config = {},
               .lease = {}};
  with([&](World& world) -> Task<void> {
    EXPECT_TRUE(co_await world.call("none", {}, &nothing_));
    EXPECT_TRUE(co_await world.call("none", {}, &nothing_));
    EXPECT_EQ(seen_->sessions, 1);
    const auto other = world.client->open(world.shard, std::make_shared<Consumer>());
    world.session = nullptr;
    world.session = world.client->open(world.shard, std::make_shared<Consumer>());
    EXPECT_TRUE(co_await world.call("none", {}, &nothing_));
    EXPECT_EQ(seen_->sessions, 2);
    EXPECT_EQ(seen_->lease, server_options_.resource_lease);
  });
}

TEST_F(NatsTest, DrainsWhatRuns) {
  with([&](World& world) -> Task<void> {
    TaskSet tasks;
    std::optional<ErrorCode> code;
    const auto hang = [](Eventual<Result<Values>> call,
                         std::optional<ErrorCode>* into) -> Task<void> {
      const auto results = co_await std::move(call);
      if (!results) *into = results.error().code();
    };
    tasks.spawn(hang(world.call("hang", {}, &nothing_), &code));
    co_await seen_->hanging.wait();
    co_await world.server->drain(milliseconds(20));
    EXPECT_EQ(world.server->callCount(), 0u);
    co_await tasks.empty();
    EXPECT_EQ(code, ErrorCode::kUnavailable);
    const auto results = co_await world.call("none", {}, &nothing_);
    EXPECT_FALSE(results);
    EXPECT_EQ(results.error().code(), ErrorCode::kNotFound);
  });
}

TEST_F(NatsTest, RefusesToServeWhatTheInvokerDoesNotHave) {
  run([&](net::Shard& shard) -> Task<void> {
    auto connection = co_await connect(shard);
    server_options_.functions = {{"test:service/calls", "unheard-of"}};
    const auto server = co_await makeNatsServer(
        shard, connection, std::make_shared<TestInvoker>(seen_), server_options_, log_);
    EXPECT_FALSE(server);
    EXPECT_EQ(server.error().code(), ErrorCode::kNotFound);
    co_await connection->close();
  });
}

}  // namespace
}  // namespace nimbus::wrpc
