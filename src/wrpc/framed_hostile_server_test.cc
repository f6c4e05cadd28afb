// Providers of the framed dialect that do not keep to it: an error for the caller, bounded memory,
// and nothing else.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <random>
#include <string>

#include "wrpc/framed_test_support.h"

namespace nimbus::wrpc {
namespace {

using net::Shard;
using net::Stream;
using std::chrono::milliseconds;
using namespace std::string_literals;

// A provider that answers each connection with the same bytes, whatever it was asked.
class HostileServerTest : public net::ShardTest {
 protected:
  // It finishes; or stays; or sends `more` over and over, or byte by byte, until nobody takes it.
  enum class Ending : std::uint8_t { kFinish, kStay, kFlood, kDrip };
  struct Fixture {
    Fixture(Shard& on, const TemporaryFolder& folder, std::string answer, Ending ending,
            FramedClientOptions options = {})
        : shard(on), bytes(std::move(answer)), end(ending) {
      const net::Endpoint where{.address = {}, .port = 0, .unix_path = folder.path("s")};
      acceptor = net::makeAcceptor(
          shard, std::move((*net::listenOn(where, 1))[0]),
          [this](std::unique_ptr<Stream> stream) { connections.spawn(serve(std::move(stream))); });
      options.on_failure = [this](const Error& error) { reported.push_back(error.describe()); };
      invoker = *makeFramedInvoker(*ProviderAddress::parse(where.toString()), std::move(options));
      session = invoker->open(shard, consumer);
    }
    Task<void> serve(std::unique_ptr<Stream> stream) {
      std::array<std::uint8_t, 4096> buffer;
      const auto count = co_await stream->read(buffer);
      asked = std::string(asText(std::span(buffer).first(count.value_or(0))));
      (void)co_await stream->writeAll(asBytes(bytes));
      if (end == Ending::kFinish) co_return;
      if (end == Ending::kFlood || end == Ending::kDrip) {
        while (co_await stream->writeAll(asBytes(more))) {
          sent_bytes += more.size();
          if (end == Ending::kDrip) co_await shard.sleepFor(milliseconds(1));
        }
        // In a later turn: the test may end with this.
        shard.post([event = refused] { event->set(); });
        co_return;
      }
      (void)co_await stream->shutdownWrite();
      co_await stream->gone();
    }
    // What came of a call: its results, or its error.
    Task<Result<Values>> values(const TupleShape& results) {
      context.results = &results;
      co_return co_await session->invoke(context, *invoker->resolve({"a:b/c", "f"}), {});
    }
    Task<std::string> call(const TupleShape* results, Duration allowed = std::chrono::seconds(10)) {
      context.results = results;
      context.deadline = shard.now() + allowed;
      auto values = co_await session->invoke(context, *invoker->resolve({"a:b/c", "f"}), {});
      if (!values) co_return values.error().describe();
      co_return textOf(values->bytes);
    }

    Shard& shard;
    std::string bytes;
    Ending end;
    std::string more;
    std::size_t sent_bytes = 0;                                  // of `more`
    std::shared_ptr<Event> refused = std::make_shared<Event>();  // nobody takes it any more
    std::string asked;
    std::vector<std::string> reported;  // as failed, for the log
    TaskSet connections;
    std::unique_ptr<net::Acceptor> acceptor;
    std::shared_ptr<Invoker> invoker;
    std::shared_ptr<const Consumer> consumer = std::make_shared<Consumer>();
    CallContext context{
        .consumer = *consumer, .deadline = {}, .trace_parent = {}, .results = nullptr};
    std::unique_ptr<Session> session;
  };

  const TestShape list_{std::nullopt, TestShape::Channels::kNone};
  const TestShape stream_{1, TestShape::Channels::kSome};
  TemporaryFolder folder_;
};

TEST_F(HostileServerTest, SendsHeaderAndRootAtOnce) {
  run([this](Shard& shard) -> Task<void> {
    Fixture fixture(shard, folder_, "\0\1\5"s, Ending::kFinish);
    EXPECT_EQ(co_await fixture.call(nullptr), "\5");
    EXPECT_EQ(fixture.asked, "\0\5a:b/c\1f\0\0"s);
  });
}

TEST_F(HostileServerTest, SurvivesAnAnswerThatIsCutAnywhere) {
  const std::string answer = "\0\6\5hello"s;
  for (std::size_t size = 0; size < answer.size(); ++size) {
    run([&](Shard& shard) -> Task<void> {
      Fixture fixture(shard, folder_, answer.substr(0, size), Ending::kFinish);
      const std::string message = co_await fixture.call(&list_);
      EXPECT_TRUE(message.contains("f at unix:") && message.contains("broke off")) << message;
      EXPECT_TRUE(message.contains("the peer finished")) << message;
    });
  }
}

TEST_F(HostileServerTest, ReportsWrongAnswers) {
  const std::pair<std::string, std::string> wrongs[] = {
      {"\0\7\5hello!"s, "take 6 bytes, but 7 came"},
      {"\0\6\xff\xff\xff\xff\xff\xff"s, "a wrong length"},
      {"\x21"s, "33 steps"},
      {"HTTP/1.1 400 Bad Request\r\n\r\n", "72 steps, at most 32"},
  };
  for (const auto& [answer, reason] : wrongs) {
    run([&](Shard& shard) -> Task<void> {
      Fixture fixture(shard, folder_, answer, Ending::kFinish);
      const std::string message = co_await fixture.call(&list_);
      EXPECT_TRUE(message.contains(reason)) << message;
      EXPECT_EQ(fixture.reported, std::vector{message});
    });
  }
}

TEST_F(HostileServerTest, DoesNotWaitForTheEndOfAPeerOnceItHasTheResults) {
  run([this](Shard& shard) -> Task<void> {
    Fixture fixture(shard, folder_, "\0\6\5hello"s, Ending::kStay);
    EXPECT_EQ(co_await fixture.call(&list_), "\5hello");
    EXPECT_FALSE(fixture.session->inUse());
  });
}

TEST_F(HostileServerTest, BreaksStreamsThatBreakOff) {
  run([this](Shard& shard) -> Task<void> {
    Fixture fixture(shard, folder_, "\0\1\0\1\0\5\4ab"s, Ending::kFinish);
    auto values = co_await fixture.values(stream_);
    const auto source = values->take({0});
    auto piece = co_await source->read();
    EXPECT_EQ(textOf(**piece), "\4ab");
    EXPECT_EQ((co_await source->read()).error().code(), ErrorCode::kProtocol);
  });
}

TEST_F(HostileServerTest, HoldsNoMoreOfAnEndlessAnswerThanItsLimit) {
  run([this](Shard& shard) -> Task<void> {
    FramedClientOptions options;
    options.limits.max_root_bytes = 1000;
    Fixture fixture(shard, folder_, "\0\5\xff\xff\xff\xff\x0f"s, Ending::kFlood,
                    std::move(options));
    fixture.more = "\0\x0a"s + std::string(10, 'x');
    const auto values = co_await fixture.values(list_);
    EXPECT_FALSE(values);
    EXPECT_EQ(values.error().code(), ErrorCode::kResourceExhausted) << values.error().describe();
    EXPECT_TRUE(fixture.reported.at(0).contains("more than 1000 bytes")) << fixture.reported.at(0);
    co_await fixture.refused->wait();
    EXPECT_FALSE(fixture.session->inUse());
  });
}

TEST_F(HostileServerTest, EndsACallWhosePeerGoesOnBehindTheResults) {
  run([this](Shard& shard) -> Task<void> {
    Fixture fixture(shard, folder_, "\0\6\5hello"s, Ending::kFlood);
    fixture.more = "\1\0\xe8\x07"s + std::string(1000, 'x');
    EXPECT_EQ(co_await fixture.call(&list_), "\5hello");
    co_await fixture.refused->wait();
    EXPECT_FALSE(fixture.session->inUse());
  });
}

TEST_F(HostileServerTest, RefusesTooLargeAnAnswerByTheHeadOfItsFrame) {
  run([this](Shard& shard) -> Task<void> {
    FramedClientOptions options;
    options.limits.max_root_bytes = 1000;
    // Nothing of it ever comes, nor does the peer finish.
    Fixture fixture(shard, folder_, "\0\xff\xff\xff\xff\x0f"s, Ending::kStay, std::move(options));
    const auto values = co_await fixture.values(list_);
    EXPECT_FALSE(values);
    EXPECT_EQ(values.error().code(), ErrorCode::kResourceExhausted) << values.error().describe();
  });
}

// Sockets and read-ahead take something of it; then the peer has to wait, until nobody reads.
TEST_F(HostileServerTest, HoldsAnEndlessStreamBack) {
  run([this](Shard& shard) -> Task<void> {
    constexpr std::size_t kReadAhead = 64 * 1024;
    constexpr std::size_t kSockets = 8 * 1024 * 1024;
    FramedClientOptions options;
    options.limits.channels.read_ahead_bytes = kReadAhead;
    options.limits.channels.max_undelivered_bytes = 4 * kReadAhead;
    Fixture fixture(shard, folder_, "\0\1\0"s, Ending::kFlood, std::move(options));
    fixture.more = "\1\0\xe8\x07"s + std::string(1000, 'x');
    {
      auto values = co_await fixture.values(stream_);
      EXPECT_TRUE(values) << values.error().describe();
      if (!values) co_return;
      const auto source = values->take({0});
      // Once it sends no more, it is held back.
      std::size_t before = 0;
      do {
        before = fixture.sent_bytes;
        co_await shard.sleepFor(milliseconds(20));
      } while (fixture.sent_bytes < kSockets && (fixture.sent_bytes != before || before == 0));
      EXPECT_LT(fixture.sent_bytes, kSockets);
      std::size_t read_bytes = 0;
      while (read_bytes < 2 * kSockets) {
        auto piece = co_await source->read();
        EXPECT_TRUE(piece && *piece);
        if (!piece || !*piece) co_return;
        read_bytes += (**piece).size();
      }
      EXPECT_LT(fixture.sent_bytes, read_bytes + kSockets);
    }
    co_await fixture.refused->wait();
    while (fixture.session->inUse()) co_await shard.sleepFor(milliseconds(1));
  });
}

TEST_F(HostileServerTest, LimitsTheChannelsThatAPeerMayOpen) {
  run([this](Shard& shard) -> Task<void> {
    FramedClientOptions options;
    options.limits.channels.max_channels = 8;
    std::string answer = "\0\1\0\1\0\2\1s"s;
    for (char path = 1; path < 20; ++path) answer += "\1"s + path + "\1x";
    Fixture fixture(shard, folder_, answer, Ending::kStay, std::move(options));
    auto values = co_await fixture.values(stream_);
    EXPECT_TRUE(values) << values.error().describe();
    if (!values) co_return;
    const auto source = values->take({0});
    EXPECT_NE(source, nullptr);
    if (source == nullptr) co_return;
    const auto piece = co_await source->read();
    EXPECT_TRUE(piece && *piece && textOf(**piece) == "\1s");
    const auto more = co_await source->read();
    EXPECT_FALSE(more);
    if (!more) EXPECT_EQ(more.error().code(), ErrorCode::kResourceExhausted);
  });
}

// A byte at a time does not help: the time is for all of them.
TEST_F(HostileServerTest, GivesUpOnAPeerThatDrips) {
  run([this](Shard& shard) -> Task<void> {
    Fixture fixture(shard, folder_, "\0\x80\x80\x80\x04\xfc\xff\xff\x03"s, Ending::kDrip);  // 8 MiB
    fixture.more = "x";
    const std::string message = co_await fixture.call(&list_, milliseconds(50));
    EXPECT_TRUE(message.contains("no results in time")) << message;
    co_await fixture.refused->wait();
  });
}

TEST_F(HostileServerTest, SurvivesRandomBytes) {
  run([this](Shard& shard) -> Task<void> {
    const unsigned seed = std::random_device()();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    Fixture fixture(shard, folder_, "", Ending::kFinish);
    const std::string good = "\0\6\5hello\1\0\3\2ab\1\0\1\0"s;
    for (int round = 0; round < 200; ++round) {
      fixture.bytes = good.substr(0, random() % good.size());
      for (unsigned i = 1 + random() % 200; i > 0; --i)
        fixture.bytes += static_cast<char>(random());
      auto values = co_await fixture.values(round % 2 == 0 ? list_ : stream_);
      if (!values) continue;
      const auto source = values->take({0});
      if (source == nullptr) continue;
      for (;;) {
        const auto piece = co_await source->read();
        if (!piece || !*piece) break;
      }
    }
    while (fixture.session->inUse()) co_await shard.sleepFor(milliseconds(1));
    fixture.bytes = "\0\6\5hello"s;
    EXPECT_EQ(co_await fixture.call(&list_), "\5hello");
  });
}

}  // namespace
}  // namespace nimbus::wrpc
