// Client and server of the framed dialect against each other, over both kinds of sockets.
#include <gtest/gtest.h>

#include <string>

#include "wrpc/framed_test_support.h"

namespace nimbus::wrpc {
namespace {

using net::Shard;
using std::chrono::milliseconds;

class FramedTest : public net::ShardTest, public ::testing::WithParamInterface<const char*> {
 protected:
  // A server and a session with it, on one shard.
  struct Fixture {
    Fixture(Shard& on, FramedTest& test, FramedServerOptions server_options = {},
            FramedClientOptions client_options = {})
        : shard(on) {
      const bool unix_socket = std::string_view(test.GetParam()) == "unix";
      const auto where =
          unix_socket ? net::Endpoint{.address = {}, .port = 0, .unix_path = test.folder_.path("s")}
                      : *net::Endpoint::parse("127.0.0.1:0");
      auto sockets = *net::listenOn(where, 1);
      const std::string bound = sockets[0]->boundTo().toString();
      server = makeFramedServer(shard, std::move(sockets[0]),
                                std::make_shared<TestInvoker>(seen, test.types_),
                                std::move(server_options), log);
      invoker = *makeFramedInvoker(*ProviderAddress::parse(unix_socket ? bound : "tcp:" + bound),
                                   std::move(client_options));
      session = invoker->open(shard, consumer);
    }

    FunctionId function(std::string_view name) const {
      return *invoker->resolve({"test:service/calls", name});
    }
    [[nodiscard]] Eventual<Result<Values>> invoke(std::string_view name, Values params,
                                                  std::optional<Duration> allowed = {}) {
      context.deadline = std::nullopt;
      if (allowed) context.deadline = shard.now() + *allowed;
      return session->invoke(context, function(name), std::move(params));
    }
    Task<std::string> call(std::string name, std::string params) {
      Values values;
      values.bytes.append(Bytes::take(std::move(params)));
      auto results = co_await invoke(name, std::move(values));
      if (!results) co_return results.error().describe();
      co_return textOf(results->bytes);
    }

    Shard& shard;
    std::shared_ptr<TestInvoker::Seen> seen = std::make_shared<TestInvoker::Seen>();
    TestLog log;
    std::unique_ptr<FramedServer> server;
    std::shared_ptr<Invoker> invoker;
    std::shared_ptr<const Consumer> consumer = std::make_shared<Consumer>();
    std::unique_ptr<Session> session;
    CallContext context{
        .consumer = *consumer, .deadline = {}, .trace_parent = {}, .results = nullptr};
  };

  static Values withStream(std::shared_ptr<TestSource::State> state) {
    Values values;
    values.bytes.append(std::uint8_t{0});
    values.channels.push_back({{0}, std::make_unique<TestSource>(std::move(state))});
    return values;
  }

  TemporaryFolder folder_;
  TestInvoker::Types types_ = TestInvoker::Types::kKnown;
};

INSTANTIATE_TEST_SUITE_P(Sockets, FramedTest, ::testing::Values("unix", "tcp"),
                         [](const auto& test) { return std::string(test.param); });

std::string list(std::size_t size) {
  std::array<std::uint8_t, kMaxLebBytes> length;
  std::string text(asText({length.data(), writeUleb(size, length.data())}));
  for (std::size_t i = 0; i < size; ++i) text += static_cast<char>(i * 7);
  return text;
}

Task<std::string> readPiece(ByteSource& source) {
  auto piece = co_await source.read();
  if (!piece) co_return std::string(errorCodeName(piece.error().code()));
  if (!*piece) co_return "(end)";
  co_return textOf(**piece);
}

TEST_P(FramedTest, CarriesValuesOfAnySize) {
  run([this](Shard& shard) -> Task<void> {
    Fixture fixture(shard, *this);
    for (const std::size_t size : {0, 1, 100, 5000, 70'000, 3'000'000}) {
      const std::string params = list(size);
      EXPECT_EQ(co_await fixture.call("echo", params), params);
    }
    EXPECT_EQ(fixture.seen->sessions, 1) << "one for all connections";
    EXPECT_EQ(fixture.seen->lease, FramedServerOptions().resource_lease);
    EXPECT_TRUE(fixture.log.lines().empty());
  });
}

TEST_P(FramedTest, CarriesCallsWithoutValues) {
  run([this](Shard& shard) -> Task<void> {
    Fixture fixture(shard, *this);
    EXPECT_EQ(co_await fixture.call("none", ""), "");
  });
}

TEST_P(FramedTest, ServesAnInvokerThatKnowsNoTypes) {
  types_ = TestInvoker::Types::kUnknown;
  run([this](Shard& shard) -> Task<void> {
    Fixture fixture(shard, *this);
    EXPECT_EQ(co_await fixture.call("echo", list(100'000)), list(100'000));
    EXPECT_EQ(co_await fixture.call("none", ""), "");
    auto state = std::make_shared<TestSource::State>();
    state->send("abc");
    auto results = co_await fixture.invoke("pass", withStream(state));
    EXPECT_TRUE(results);
    EXPECT_EQ(co_await readPiece(*results->take({0})), "abc");
  });
}

TEST_P(FramedTest, PassesStreamsBothWaysPieceByPiece) {
  run([this](Shard& shard) -> Task<void> {
    Fixture fixture(shard, *this);
    const TestShape one_stream(1, TestShape::Channels::kSome);
    fixture.context.results = &one_stream;
    auto state = std::make_shared<TestSource::State>();
    auto results = co_await fixture.invoke("pass", withStream(state));
    EXPECT_TRUE(results) << "although nothing of either stream has been sent";
    EXPECT_EQ(textOf(results->bytes), std::string(1, '\0'));
    const auto back = results->take({0});
    for (const std::string piece : {"one", "two", "three"}) {
      state->send(piece);
      EXPECT_EQ(co_await readPiece(*back), piece);
    }
    state->send(std::string(500'000, 'x'));
    state->end();
    std::size_t received = 0;
    for (std::string piece; (piece = co_await readPiece(*back)) != "(end)";)
      received += piece.size();
    EXPECT_EQ(received, 500'000u);
    EXPECT_TRUE(state->dropped);
  });
}

TEST_P(FramedTest, AnswersBeforeTheCallerHasFinishedSending) {
  run([this](Shard& shard) -> Task<void> {
    Fixture fixture(shard, *this);
    auto state = std::make_shared<TestSource::State>();
    Values params = withStream(state);
    params.bytes = {};
    EXPECT_TRUE(co_await fixture.invoke("none", std::move(params)));
    EXPECT_FALSE(state->ended);
  });
}

TEST_P(FramedTest, SaysWhatAProviderThatBreaksOffDid) {
  run([this](Shard& shard) -> Task<void> {
    Fixture fixture(shard, *this);
    const TestShape one_byte(1, TestShape::Channels::kNone);
    fixture.context.results = &one_byte;
    const auto failed = co_await fixture.invoke("fail", {});
    EXPECT_EQ(failed.error().code(), ErrorCode::kProtocol);
    EXPECT_TRUE(failed.error().describe().contains("test:service/calls/fail at"));
    EXPECT_TRUE(failed.error().describe().contains("broke off"));
    EXPECT_TRUE(fixture.log.mentions("the guest trapped"));
    const auto unknown = co_await fixture.session->invoke(
        fixture.context, *fixture.invoker->resolve({"other:service/x", "f"}), {});
    EXPECT_EQ(unknown.error().code(), ErrorCode::kProtocol);
    EXPECT_TRUE(fixture.log.mentions("no such instance"));
  });
}

TEST_P(FramedTest, ReportsNobodyListeningAsUnavailable) {
  run([this](Shard& shard) -> Task<void> {
    Fixture fixture(shard, *this);
    fixture.server.reset();
    const auto results = co_await fixture.invoke("none", {});
    EXPECT_EQ(results.error().code(), ErrorCode::kUnavailable);
  });
}

TEST_P(FramedTest, EndsACallAtItsDeadlineOnBothSides) {
  run([this](Shard& shard) -> Task<void> {
    Fixture fixture(shard, *this);
    const auto results = co_await fixture.invoke("hang", {}, milliseconds(20));
    EXPECT_EQ(results.error().code(), ErrorCode::kDeadlineExceeded);
    co_await fixture.seen->released.wait();
    EXPECT_EQ(fixture.seen->running, 0);
  });
}

TEST_P(FramedTest, TakesTheDefaultTimeOutWithoutADeadline) {
  run([this](Shard& shard) -> Task<void> {
    FramedClientOptions options;
    options.call_timeout = milliseconds(20);
    Fixture fixture(shard, *this, {}, options);
    const auto results = co_await fixture.invoke("hang", {});
    EXPECT_EQ(results.error().code(), ErrorCode::kDeadlineExceeded);
  });
}

Task<void> ignoreResults(Eventual<Result<Values>> results) { (void)co_await std::move(results); }

TEST_P(FramedTest, CancelsAtTheServerWhatTheCallerGivesUp) {
  run([this](Shard& shard) -> Task<void> {
    Fixture fixture(shard, *this);
    TaskSet tasks;
    tasks.spawn(ignoreResults(fixture.invoke("hang", {})));
    co_await fixture.seen->hanging.wait();
    tasks.cancelAll();
    co_await fixture.seen->released.wait();
    EXPECT_TRUE(fixture.log.lines().empty()) << "that is no failure";
  });
}

TEST_P(FramedTest, CancelsAtTheServerWhenTheSessionGoes) {
  run([this](Shard& shard) -> Task<void> {
    Fixture fixture(shard, *this);
    TaskSet tasks;
    tasks.spawn(ignoreResults(fixture.invoke("hang", {})));
    co_await fixture.seen->hanging.wait();
    EXPECT_TRUE(fixture.session->inUse());
    fixture.session.reset();
    co_await fixture.seen->released.wait();
    co_await tasks.empty();
  });
}

TEST_P(FramedTest, LimitsTheCallsOfASession) {
  run([this](Shard& shard) -> Task<void> {
    FramedClientOptions options;
    options.max_calls_per_session = 1;
    Fixture fixture(shard, *this, {}, options);
    TaskSet tasks;
    tasks.spawn(ignoreResults(fixture.invoke("hang", {})));
    const auto refused = co_await fixture.invoke("none", {});
    EXPECT_EQ(refused.error().code(), ErrorCode::kResourceExhausted);
    tasks.cancelAll();
    EXPECT_TRUE(co_await fixture.invoke("none", {}));
  });
}

TEST_P(FramedTest, LimitsTheParametersThatWaitToBeSent) {
  const auto listOf = [](std::size_t size) {
    Values values;
    values.bytes.append(asBytes(list(size)));
    return values;
  };
  run([this, listOf](Shard& shard) -> Task<void> {
    FramedClientOptions options;
    options.max_held_bytes = 1000;
    Fixture fixture(shard, *this, {}, options);
    auto first = fixture.invoke("echo", listOf(600));
    const auto second = co_await fixture.invoke("echo", listOf(600));
    EXPECT_EQ(second.error().code(), ErrorCode::kResourceExhausted) << "nothing is sent yet";
    EXPECT_TRUE(co_await std::move(first));
    EXPECT_TRUE(co_await fixture.invoke("echo", listOf(600))) << "all is free again";
    const auto too_large = co_await fixture.invoke("echo", listOf(1001));
    EXPECT_EQ(too_large.error().code(), ErrorCode::kResourceExhausted);
  });
}

TEST_P(FramedTest, HoldsBoundedMemoryForAReaderThatDoesNotRead) {
  run([this](Shard& shard) -> Task<void> {
    Fixture fixture(shard, *this);
    auto flood = co_await fixture.invoke("flood", {});
    const auto stream = flood->take({0});
    // Other calls go on; when some have, the flood has filled what there is to fill.
    for (int i = 0; i < 200; ++i) EXPECT_EQ(co_await fixture.call("echo", list(9)), list(9));
    EXPECT_LT(fixture.seen->flood_bytes, std::size_t{32} << 20);
    std::size_t received = 0;
    while (received < (std::size_t{64} << 20)) received += (co_await readPiece(*stream)).size();
    EXPECT_GE(fixture.seen->flood_bytes, received);
  });
}

TEST_P(FramedTest, EndsAtTheServerStreamsThatNobodyReads) {
  run([this](Shard& shard) -> Task<void> {
    Fixture fixture(shard, *this);
    {
      const TestShape two(2, TestShape::Channels::kSome);
      fixture.context.results = &two;
      auto results = co_await fixture.invoke("two", {});
      EXPECT_TRUE(results);
      auto first = results->take({0, 0});
      auto second = results->take({0, 1});
      results->arriving.reset();
      second.reset();
      fixture.seen->second->send("for nobody");
      fixture.seen->first->send("still read");
      EXPECT_EQ(co_await readPiece(*first), "still read");
      EXPECT_FALSE(fixture.seen->second->dropped);
    }
    while (!fixture.seen->first->dropped) co_await shard.sleepFor(milliseconds(1));
    EXPECT_TRUE(fixture.seen->second->dropped);
    while (fixture.session->inUse()) co_await shard.sleepFor(milliseconds(1));
  });
}

TEST_P(FramedTest, FailsACallWhoseParameterStreamFails) {
  run([this](Shard& shard) -> Task<void> {
    Fixture fixture(shard, *this);
    auto state = std::make_shared<TestSource::State>();
    TaskSet tasks;
    std::optional<Error> error;
    tasks.spawn([](Eventual<Result<Values>> results, std::optional<Error>& into) -> Task<void> {
      auto got = co_await std::move(results);
      if (!got) into = got.error();
    }(fixture.invoke("wait", withStream(state)), error));
    state->send("some");
    co_await fixture.seen->hanging.wait();
    state->fail(Error(ErrorCode::kIo, "the disk is gone"));
    co_await tasks.empty();
    EXPECT_TRUE(error->describe().contains("the disk is gone"));
    co_await fixture.seen->released.wait();
    EXPECT_EQ(fixture.seen->running, 0) << "the callee must not take it for a whole stream";
  });
}

TEST_P(FramedTest, FailsAResultStreamWhoseSourceFails) {
  run([this](Shard& shard) -> Task<void> {
    Fixture fixture(shard, *this);
    const TestShape two(2, TestShape::Channels::kSome);
    fixture.context.results = &two;
    auto results = co_await fixture.invoke("two", {});
    const auto first = results->take({0, 0});
    fixture.seen->first->send("x");
    EXPECT_EQ(co_await readPiece(*first), "x");
    fixture.seen->second->fail(Error(ErrorCode::kIo, "the disk is gone"));
    EXPECT_NE(co_await readPiece(*first), "x");
    while (fixture.log.lines().empty()) co_await shard.sleepFor(milliseconds(1));
    EXPECT_TRUE(fixture.log.mentions("the disk is gone"));
  });
}

TEST_P(FramedTest, LetsRunningCallsEndWhenItDrains) {
  run([this](Shard& shard) -> Task<void> {
    Fixture fixture(shard, *this);
    auto state = std::make_shared<TestSource::State>();
    state->send("a");
    auto results = co_await fixture.invoke("pass", withStream(state));
    const auto back = results->take({0});
    EXPECT_EQ(co_await readPiece(*back), "a");
    TaskSet tasks;
    tasks.spawn(fixture.server->drain(std::chrono::seconds(20)));
    state->send("b");
    state->end();
    EXPECT_EQ(co_await readPiece(*back), "b");
    EXPECT_EQ(co_await readPiece(*back), "(end)");
    co_await tasks.empty();
    EXPECT_EQ(fixture.server->callCount(), 0u);
    EXPECT_EQ((co_await fixture.invoke("none", {})).error().code(), ErrorCode::kUnavailable);
  });
}

TEST_P(FramedTest, EndsWhatDoesNotEndWithinTheBoundOfADrain) {
  run([this](Shard& shard) -> Task<void> {
    Fixture fixture(shard, *this);
    TaskSet tasks;
    tasks.spawn(ignoreResults(fixture.invoke("hang", {})));
    co_await fixture.seen->hanging.wait();
    co_await fixture.server->drain(milliseconds(10));
    EXPECT_EQ(fixture.seen->running, 0);
    co_await tasks.empty();
  });
}

TEST_P(FramedTest, EndsCallsThatTakeTooLong) {
  run([this](Shard& shard) -> Task<void> {
    FramedServerOptions options;
    options.call_timeout = milliseconds(20);
    Fixture fixture(shard, *this, options);
    const TestShape one_byte(1, TestShape::Channels::kNone);
    fixture.context.results = &one_byte;
    const auto results = co_await fixture.invoke("hang", {});
    EXPECT_EQ(results.error().code(), ErrorCode::kProtocol);
    EXPECT_TRUE(fixture.log.mentions("the call took too long"));
  });
}

TEST_P(FramedTest, EndsAPeerThatTakesNothing) {
  run([this](Shard& shard) -> Task<void> {
    FramedServerOptions options;
    options.stall_timeout = milliseconds(20);
    Fixture fixture(shard, *this, options);
    const auto flood = co_await fixture.invoke("flood", {});
    while (fixture.log.lines().empty()) co_await shard.sleepFor(milliseconds(1));
    EXPECT_TRUE(fixture.log.mentions("takes and sends nothing"));
    EXPECT_EQ(fixture.server->callCount(), 0u);
  });
}

TEST_P(FramedTest, LimitsTheCallsOfAllPeers) {
  run([this](Shard& shard) -> Task<void> {
    FramedServerOptions options;
    options.max_calls = 1;
    Fixture fixture(shard, *this, options);
    TaskSet tasks;
    tasks.spawn(ignoreResults(fixture.invoke("hang", {})));
    co_await fixture.seen->hanging.wait();
    const TestShape one_byte(1, TestShape::Channels::kNone);
    fixture.context.results = &one_byte;
    EXPECT_FALSE(co_await fixture.invoke("none", {}));
    EXPECT_TRUE(fixture.log.mentions("too many calls"));
  });
}

TEST_P(FramedTest, LimitsTheCallsOfOneAddress) {
  run([this](Shard& shard) -> Task<void> {
    FramedServerOptions options;
    options.max_calls_per_peer = 1;
    Fixture fixture(shard, *this, options);
    TaskSet tasks;
    tasks.spawn(ignoreResults(fixture.invoke("hang", {})));
    co_await fixture.seen->hanging.wait();
    const TestShape one_list(std::nullopt, TestShape::Channels::kNone);
    fixture.context.results = &one_list;
    const bool unix_socket = std::string_view(GetParam()) == "unix";
    // Peers of a Unix socket cannot be told apart.
    EXPECT_EQ(co_await fixture.call("echo", list(3)) == list(3), unix_socket);
    EXPECT_EQ(fixture.log.mentions("too many calls of one peer"), !unix_socket);
  });
}

class FramedNameTest : public net::ShardTest {};

TEST_F(FramedNameTest, TriesTheAddressesOfANameInTurn) {
  run([](Shard& shard) -> Task<void> {
    auto sockets = *net::listenOn(*net::Endpoint::parse("127.0.0.1:0"), 1);
    const std::uint16_t port = sockets[0]->boundTo().port;
    TestLog log;
    const auto server = makeFramedServer(
        shard, std::move(sockets[0]),
        std::make_shared<TestInvoker>(std::make_shared<TestInvoker::Seen>()), {}, log);
    net::FixedResolver resolver;
    resolver.add("kv.example",
                 {*net::IpAddress::parse("127.0.0.2"), *net::IpAddress::parse("127.0.0.1")});
    FramedClientOptions options;
    options.resolver = [&resolver](Shard&) -> net::Resolver& { return resolver; };
    const std::string place = "tcp:kv.example:" + std::to_string(port);
    const auto invoker = *makeFramedInvoker(*ProviderAddress::parse(place), options);
    const auto consumer = std::make_shared<const Consumer>();
    const auto session = invoker->open(shard, consumer);
    const CallContext context{
        .consumer = *consumer, .deadline = {}, .trace_parent = {}, .results = nullptr};
    EXPECT_TRUE(
        co_await session->invoke(context, *invoker->resolve({"test:service/calls", "none"}), {}));
    const auto other = *makeFramedInvoker(*ProviderAddress::parse("tcp:other.example:1"), options);
    const auto unknown = other->open(shard, consumer);
    const auto missing = co_await unknown->invoke(context, *other->resolve({"a:b/c", "f"}), {});
    EXPECT_EQ(missing.error().code(), ErrorCode::kNotFound);
  });
}

TEST_F(FramedNameTest, WantsAResolverForNames) {
  const auto refused = makeFramedInvoker(*ProviderAddress::parse("tcp:kv.example:7761"));
  EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_TRUE(makeFramedInvoker(*ProviderAddress::parse("tcp:[::1]:7761")));
  EXPECT_FALSE(makeFramedInvoker(*ProviderAddress::parse("nats:kv")));
}

}  // namespace
}  // namespace nimbus::wrpc
