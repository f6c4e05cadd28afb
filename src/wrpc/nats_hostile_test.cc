#include <gtest/gtest.h>

#include <random>
#include <string>

#include "nats/test_server.h"
#include "wrpc/framed_test_support.h"
#include "wrpc/nats_client.h"
#include "wrpc/nats_server.h"
#include "wrpc/test_counting_shape.h"

// Peers of the NATS dialect that do what they should not.
namespace nimbus::wrpc {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kSubject = "test.wrpc.0.0.1.test:service/calls.";

std::string noise(std::mt19937& random) {
  std::string bytes;
  for (unsigned i = random() % 100; i > 0; --i) bytes += static_cast<char>(random());
  return bytes;
}

// A provider, or a client, by hand: plays a script for each message.
class Script final : public nats::Subscriber {
 public:
  using Play = std::function<void(const nats::Message&)>;
  explicit Script(Play play) : play_(std::move(play)) {}
  void received(nats::Message message) override {
    messages += 1;
    play_(message);
    news.set();
  }
  void noResponders() override {}
  void lost(Error) override {}

  int messages = 0;
  Event news;

 private:
  Play play_;
};

class NatsHostileTest : public net::ShardTest {
 protected:
  struct Expectation {
    std::size_t max_root_bytes = 1000;
    const TupleShape* results = nullptr;  // null: two bytes
    Duration patience = std::chrono::seconds(60);
  };
  // Calls "f" of a provider that plays the script, and gives what came of it.
  using Play = std::function<void(nats::Connection&, const std::string& reply)>;
  ErrorCode callOf(const Play& play) { return callOf(play, Expectation()); }
  ErrorCode callOf(const Play& play, Expectation expected) {
    ErrorCode code = ErrorCode::kInternal;
    run([&](net::Shard& shard) -> Task<void> {
      auto connection = co_await nats::Connection::connect(shard, {.servers = {nats_.url()}}, log_);
      TaskSet background;
      background_ = &background;
      Script script(
          [&](const nats::Message& message) { play(**connection, std::string(message.reply())); });
      auto subscription =
          (*connection)->subscribe(shard, {.subject = std::string(kSubject) + ">"}, script);
      const auto invoker =
          makeNatsInvoker(*connection, {.prefix = "test",
                                        .call_timeout = expected.patience,
                                        .max_root_bytes = expected.max_root_bytes,
                                        .channels = {.max_path_depth = 4, .max_channels = 4}});
      auto session = invoker->open(shard, std::make_shared<Consumer>());
      const Consumer nobody;
      const TestShape shape(2, TestShape::Channels::kSome);
      const CallContext context{.consumer = nobody,
                                .deadline = {},
                                .trace_parent = {},
                                .results = expected.results != nullptr ? expected.results : &shape};
      const auto results = co_await session->invoke(
          context, *invoker->resolve({"test:service/calls", "f"}), Values());
      code = results ? ErrorCode::kAlreadyExists : results.error().code();
      session = nullptr;
      subscription->reset();
      co_await (*connection)->close();
    });
    return code;
  }
  static constexpr ErrorCode kResultsCame = ErrorCode::kAlreadyExists;

  // Byte by byte, until the call is over.
  static Task<void> drip(nats::Connection& connection, std::string subject, int& sent) {
    while (connection.publish(subject, asBytes("x"))) {
      ++sent;
      co_await net::Shard::current()->sleepFor(milliseconds(1));
    }
  }
  static void send(nats::Connection& connection, const std::string& subject,
                   std::string_view text) {
    EXPECT_TRUE(connection.publish(subject, asBytes(text)));
  }
  static void shake(nats::Connection& connection, const std::string& reply) {
    EXPECT_TRUE(connection.publish(reply, "somewhere", {}));
  }
  static void status(nats::Connection& connection, const std::string& subject,
                     const std::string& digits) {
    EXPECT_TRUE(connection.publish(subject, "", {{"Status", digits}}, {}));
  }

  nats::TestServer nats_;
  TestLog log_;
  TaskSet* background_ = nullptr;  // of the call that is under way
};

TEST_F(NatsHostileTest, AcceptsAProperProvider) {
  EXPECT_EQ(callOf([](nats::Connection& connection, const std::string& reply) {
              shake(connection, reply);
              send(connection, reply + ".results", "a");
              send(connection, reply + ".results", "b");
              send(connection, reply + ".results", "");
              send(connection, reply + ".results", "");  // once more, as some do
            }),
            kResultsCame);
}

TEST_F(NatsHostileTest, ABytePerMessageIsNotLookedAtFromTheStartEachTime) {
  constexpr std::size_t kBytes = 20'000;
  const CountingShape shape(kBytes);
  EXPECT_EQ(callOf(
                [](nats::Connection& connection, const std::string& reply) {
                  shake(connection, reply);
                  for (std::size_t i = 0; i < kBytes; ++i) {
                    send(connection, reply + ".results", "x");
                  }
                  send(connection, reply + ".results", "");
                },
                {.max_root_bytes = kBytes, .results = &shape}),
            kResultsCame);
  EXPECT_LE(shape.cost, 18 * kBytes + (256U << 10U));
}

TEST_F(NatsHostileTest, RefusesAHandshakeThatLeadsNowhere) {
  EXPECT_EQ(callOf([](nats::Connection& connection, const std::string& reply) {
              send(connection, reply, "");
            }),
            ErrorCode::kProtocol);
}

TEST_F(NatsHostileTest, UnderstandsStatuses) {
  const auto codeOf = [this](const std::string& digits) {
    return callOf([&](nats::Connection& connection, const std::string& reply) {
      status(connection, reply, digits);
    });
  };
  EXPECT_EQ(codeOf("408"), ErrorCode::kDeadlineExceeded);
  EXPECT_EQ(codeOf("409"), ErrorCode::kProtocol);
  EXPECT_EQ(codeOf("503"), ErrorCode::kNotFound);
  EXPECT_EQ(codeOf("429"), ErrorCode::kUnavailable);
  EXPECT_EQ(codeOf("999"), ErrorCode::kUnavailable);
  EXPECT_EQ(codeOf("nonsense"), ErrorCode::kProtocol);
}

TEST_F(NatsHostileTest, NoticesResultsThatEndTooEarly) {
  EXPECT_EQ(callOf([](nats::Connection& connection, const std::string& reply) {
              shake(connection, reply);
              send(connection, reply + ".results", "a");
              send(connection, reply + ".results", "");
            }),
            ErrorCode::kProtocol);
}

TEST_F(NatsHostileTest, NoticesMoreThanTheResults) {
  EXPECT_EQ(callOf([](nats::Connection& connection, const std::string& reply) {
              shake(connection, reply);
              send(connection, reply + ".results", "abc");
            }),
            ErrorCode::kProtocol);
}

TEST_F(NatsHostileTest, RefusesResultsWithoutBound) {
  EXPECT_EQ(callOf(
                [](nats::Connection& connection, const std::string& reply) {
                  shake(connection, reply);
                  send(connection, reply + ".results", "a");
                  send(connection, reply + ".results", std::string(100, 'x'));
                },
                {.max_root_bytes = 50}),
            ErrorCode::kResourceExhausted);
}

TEST_F(NatsHostileTest, RefusesSubjectsThatMeanNothing) {
  for (const char* below :
       {".result", ".results.x", ".results.1.2.3.4.5", ".results.-1", ".params"}) {
    EXPECT_EQ(callOf([&](nats::Connection& connection, const std::string& reply) {
                shake(connection, reply);
                send(connection, reply + below, "x");
              }),
              ErrorCode::kProtocol)
        << below;
  }
}

TEST_F(NatsHostileTest, LimitsTheChannelsAPeerMayOpen) {
  EXPECT_EQ(callOf([](nats::Connection& connection, const std::string& reply) {
              shake(connection, reply);
              for (int index = 0; index < 10; ++index) {
                send(connection, reply + ".results." + std::to_string(index), "x");
              }
            }),
            ErrorCode::kResourceExhausted);
}

TEST_F(NatsHostileTest, GivesUpOnAProviderThatIsSilent) {
  const Expectation soon{.patience = milliseconds(50)};
  EXPECT_EQ(callOf([](nats::Connection&, const std::string&) {}, soon),
            ErrorCode::kDeadlineExceeded);
  EXPECT_EQ(callOf([](nats::Connection& connection,
                      const std::string& reply) { shake(connection, reply); },
                   soon),
            ErrorCode::kDeadlineExceeded);
}

// A byte at a time does not help either: the time is for all of them.
TEST_F(NatsHostileTest, GivesUpOnAProviderThatDrips) {
  const TestShape list(std::nullopt, TestShape::Channels::kNone);
  int sent = 0;
  const auto code = callOf(
      [&](nats::Connection& connection, const std::string& reply) {
        shake(connection, reply);
        send(connection, reply + ".results", "\x80\x80\x04");  // 64 KiB
        background_->spawn(drip(connection, reply + ".results", sent));
      },
      {.max_root_bytes = 1 << 20, .results = &list, .patience = milliseconds(500)});
  EXPECT_EQ(code, ErrorCode::kDeadlineExceeded);
  EXPECT_GT(sent, 1);
}

TEST_F(NatsHostileTest, SurvivesRandomBytesOfAProvider) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 30; ++round) {
    const ErrorCode code = callOf([&](nats::Connection& connection, const std::string& reply) {
      if (random() % 4 > 0) shake(connection, reply);
      for (unsigned i = random() % 10; i > 0; --i) {
        const std::string path = random() % 2 == 0 ? "" : "." + std::to_string(random() % 9);
        send(connection, reply + ".results" + path, noise(random));
      }
      status(connection, reply, "500");  // counts if it was not shaken
      send(connection, reply + ".results", "");
    });
    EXPECT_TRUE(code == ErrorCode::kProtocol || code == ErrorCode::kResourceExhausted ||
                code == ErrorCode::kTrap || code == kResultsCame)
        << static_cast<int>(code);
  }
}

// Clients that do what they should not, against a server that another client still reaches.
class NatsHostileClientTest : public NatsHostileTest {
 protected:
  using Attack = std::function<Task<void>(net::Shard&, nats::Connection&, NatsServer&)>;
  void attack(Attack play) {
    run([&](net::Shard& shard) -> Task<void> {
      auto connection = co_await nats::Connection::connect(shard, {.servers = {nats_.url()}}, log_);
      auto server = co_await makeNatsServer(
          shard, *connection, std::make_shared<TestInvoker>(seen_),
          {.prefix = "test",
           .queue_group = "",
           .functions = {{"test:service/calls", "echo"}, {"test:service/calls", "wait"}},
           .max_root_bytes = 1000,
           .receive_timeout = milliseconds(50),
           .call_timeout = milliseconds(100),
           .channels = {.max_channels = 4, .max_undelivered_bytes = 4096}},
          log_);
      EXPECT_TRUE(server);
      co_await play(shard, **connection, **server);
      while ((*server)->callCount() > 0) co_await shard.sleepFor(milliseconds(1));
      // It still serves.
      const auto invoker = makeNatsInvoker(*connection, {.prefix = "test"});
      auto session = invoker->open(shard, std::make_shared<Consumer>());
      const Consumer nobody;
      const TestShape shape(std::nullopt, TestShape::Channels::kNone);
      const CallContext context{
          .consumer = nobody, .deadline = {}, .trace_parent = {}, .results = &shape};
      bool served = false;
      // What it takes has to come within those times from others, too.
      for (int attempt = 0; attempt < 20 && !served; ++attempt) {
        Values params;
        params.bytes.append(asBytes("\x01x"));
        const auto results = co_await session->invoke(
            context, *invoker->resolve({"test:service/calls", "echo"}), std::move(params));
        served = results.has_value();
      }
      EXPECT_TRUE(served);
      session = nullptr;
      server->reset();
      co_await (*connection)->close();
    });
  }

  // Invokes `function` with these bytes and gives where further parameters go.
  static Task<std::string> begin(net::Shard& shard, nats::Connection& connection,
                                 std::string function, std::string first) {
    std::string inbox = connection.newInbox();
    std::string params;
    Script script([&](const nats::Message& message) {
      if (params.empty()) params = std::string(message.reply()) + ".params";
    });
    auto subscription = connection.subscribe(shard, {.subject = inbox}, script);
    EXPECT_TRUE(connection.publish(kSubject + function, inbox, asBytes(first)));
    co_await script.news.wait();
    co_return params;
  }

  std::shared_ptr<TestInvoker::Seen> seen_ = std::make_shared<TestInvoker::Seen>();
};

// Clients that do not say so get everything that the dialect demands.
TEST_F(NatsHostileClientTest, TellsAllToAClientThatIsNotBrief) {
  attack([&](net::Shard& shard, nats::Connection& connection, NatsServer&) -> Task<void> {
    const auto subjectsOf = [&](std::string suffix) -> Task<std::vector<std::string>> {
      const std::string inbox = connection.newInbox();
      std::vector<std::string> subjects;
      Script script([&](const nats::Message& message) {
        subjects.push_back(std::string(message.subject().substr(inbox.size())));
      });
      auto subscription = connection.subscribe(shard, {.subject = inbox + ".>"}, script);
      EXPECT_TRUE(
          connection.publish(std::string(kSubject) + "echo", inbox + suffix, asBytes("\x01x")));
      EXPECT_TRUE(co_await connection.flush(shard, seconds(10)));
      EXPECT_TRUE(co_await connection.flush(shard, seconds(10)));
      co_return subjects;
    };
    const std::vector<std::string> all = co_await subjectsOf(".1");
    EXPECT_EQ(all, (std::vector<std::string>{".1", ".1.results", ".1.results"}));
    const std::vector<std::string> few = co_await subjectsOf(".1.brief");
    EXPECT_EQ(few, (std::vector<std::string>{".1.brief.results"}));
  });
}

TEST_F(NatsHostileClientTest, IgnoresACallWithoutAReplySubject) {
  attack([&](net::Shard& shard, nats::Connection& connection, NatsServer&) -> Task<void> {
    EXPECT_TRUE(connection.publish(std::string(kSubject) + "echo", asBytes("\x01x")));
    EXPECT_TRUE(co_await connection.flush(shard, seconds(10)));
    EXPECT_EQ(seen_->calls, 0);
  });
}

TEST_F(NatsHostileClientTest, EndsACallWhoseParametersDoNotCome) {
  attack([&](net::Shard& shard, nats::Connection& connection, NatsServer&) -> Task<void> {
    (void)co_await begin(shard, connection, "echo", "\x05he");
  });
  EXPECT_TRUE(log_.mentions("the parameters took too long"));
  EXPECT_EQ(seen_->calls, 1);  // that of the other client
}

TEST_F(NatsHostileClientTest, EndsACallWithEndlessParameters) {
  attack([&](net::Shard& shard, nats::Connection& connection, NatsServer&) -> Task<void> {
    const std::string params = co_await begin(shard, connection, "echo", "\xff\xff\x03");
    for (int part = 0; part < 20; ++part) send(connection, params, std::string(100, 'x'));
  });
  EXPECT_TRUE(log_.mentions("values of more than 1000 bytes"));
}

TEST_F(NatsHostileClientTest, EndsACallWithTooMuchOfAStream) {
  attack([&](net::Shard& shard, nats::Connection& connection, NatsServer&) -> Task<void> {
    const std::string params = co_await begin(shard, connection, "wait", std::string(1, '\0'));
    for (int part = 0; part < 20; ++part) {
      send(connection, params + "." + std::to_string(part), std::string(1000, 'x'));
    }
  });
  EXPECT_TRUE(log_.mentions("a NATS call failed"));
}

TEST_F(NatsHostileClientTest, EndsACallWhoseParametersDrip) {
  int sent = 0;
  attack([&](net::Shard& shard, nats::Connection& connection, NatsServer& server) -> Task<void> {
    // A list of 900 bytes.
    const std::string params = co_await begin(shard, connection, "echo", "\x84\x07");
    TaskSet background;
    background.spawn(drip(connection, params, sent));
    while (server.callCount() > 0) co_await shard.sleepFor(milliseconds(1));
  });
  EXPECT_TRUE(log_.mentions("the parameters took too long"));
  EXPECT_GT(sent, 1);
  EXPECT_EQ(seen_->calls, 1);  // that of the other client
}

TEST_F(NatsHostileClientTest, SurvivesRandomBytes) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  attack([&](net::Shard& shard, nats::Connection& connection, NatsServer& server) -> Task<void> {
    for (int round = 0; round < 50; ++round) {
      // Parameters that begin well, so that there is a call that more can come for.
      const bool streams = random() % 2 == 0;
      const std::string params = co_await begin(shard, connection, streams ? "wait" : "echo",
                                                streams ? std::string(1, '\0') : "\x84\x07");
      for (unsigned i = random() % 10; i > 0; --i) {
        const std::string path = random() % 2 == 0 ? "" : "." + std::to_string(random() % 9);
        send(connection, params + path, noise(random));
      }
      EXPECT_TRUE(connection.publish(std::string(kSubject) + "echo", connection.newInbox(),
                                     asBytes(noise(random))));
    }
    while (server.callCount() > 0) co_await shard.sleepFor(milliseconds(1));
  });
}

TEST_F(NatsHostileClientTest, IgnoresWhatComesForCallsThatAreOver) {
  attack([&](net::Shard& shard, nats::Connection& connection, NatsServer&) -> Task<void> {
    const std::string params = co_await begin(shard, connection, "echo", "\x01x");
    const std::string inbox = params.substr(0, params.size() - std::string("1.params").size());
    for (const std::string& subject : {params, inbox + "1", inbox + "x.params", inbox + "99.params",
                                       inbox + "18446744073709551616.params"}) {
      send(connection, subject, "x");
    }
    EXPECT_TRUE(co_await connection.flush(shard, seconds(10)));
  });
}

}  // namespace
}  // namespace nimbus::wrpc
