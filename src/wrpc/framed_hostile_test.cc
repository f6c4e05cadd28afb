// Clients of the framed dialect that do not keep to it: an error in the log, bounded memory, and
// nothing else.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "wrpc/frame.h"
#include "wrpc/framed_test_support.h"

namespace nimbus::wrpc {
namespace {

using net::Shard;
using net::Stream;
using std::chrono::milliseconds;
using namespace std::string_literals;

std::string callOf(std::string_view function, std::string_view frames) {
  const auto header = encodeHeader({"test:service/calls", function});
  return std::string(header.begin(), header.end()) + std::string(frames);
}

Task<std::string> readAll(Stream& stream) {
  auto text = co_await net::readToEnd(stream);
  co_return text ? *text : "(reset)";
}

class HostileClientTest : public net::ShardTest {
 protected:
  struct Fixture {
    Fixture(Shard& on, const TemporaryFolder& folder, FramedServerOptions options = {})
        : shard(on), where{.address = {}, .port = 0, .unix_path = folder.path("s")} {
      auto sockets = *net::listenOn(where, 1);
      server = makeFramedServer(shard, std::move(sockets[0]), std::make_shared<TestInvoker>(seen),
                                std::move(options), log);
    }
    Task<std::unique_ptr<Stream>> connect() { co_return *co_await net::connectTo(shard, where); }
    // Sends all of it, finishes, and returns what comes back.
    Task<std::string> exchange(std::string bytes) {
      const auto stream = co_await connect();
      if (!co_await stream->writeAll(asBytes(bytes))) co_return "(reset)";
      (void)co_await stream->shutdownWrite();
      co_return co_await readAll(*stream);
    }

    Shard& shard;
    net::Endpoint where;
    std::shared_ptr<TestInvoker::Seen> seen = std::make_shared<TestInvoker::Seen>();
    TestLog log;
    std::unique_ptr<FramedServer> server;
  };

  TemporaryFolder folder_;
};

const std::string kEchoCall = callOf("echo", "\0\6\5hello"s);
const std::string kEchoAnswer = "\0\6\5hello"s;

TEST_F(HostileClientTest, AnswersTheBytesOfTheDialect) {
  run([this](Shard& shard) -> Task<void> {
    Fixture fixture(shard, folder_);
    EXPECT_EQ(co_await fixture.exchange(kEchoCall), kEchoAnswer);
    EXPECT_EQ(co_await fixture.exchange(callOf("none", "\0\0"s)), "\0\0"s);
    EXPECT_EQ(co_await fixture.exchange(callOf("none", "")), "\0\0"s) << "also without a frame";
    EXPECT_EQ(co_await fixture.exchange(callOf("echo", "\0\3\5he\0\3llo"s)), kEchoAnswer);
    // Frames of the stream before its parameter, an end that comes twice, and an empty frame.
    EXPECT_EQ(co_await fixture.exchange(callOf("pass", "\1\0\2\1a\0\1\0\1\0\0\1\0\1\0\1\0\1\0"s)),
              "\0\1\0\1\0\4\1a\0\0"s);
  });
}

// As some peers do; an answer before the second write would make that fail.
TEST_F(HostileClientTest, WaitsForTheFrameOfAnEmptyRoot) {
  run([this](Shard& shard) -> Task<void> {
    Fixture fixture(shard, folder_);
    const auto stream = co_await fixture.connect();
    EXPECT_TRUE(co_await stream->writeAll(asBytes(callOf("none", ""))));
    co_await shard.sleepFor(milliseconds(5));
    EXPECT_EQ(fixture.seen->calls, 0);
    EXPECT_TRUE(co_await stream->writeAll(asBytes("\0\0"s)));
    EXPECT_EQ(co_await readAll(*stream), "\0\0"s);
  });
}

TEST_F(HostileClientTest, SurvivesACallThatIsCutAnywhere) {
  run([this](Shard& shard) -> Task<void> {
    Fixture fixture(shard, folder_);
    for (std::size_t size = 0; size < kEchoCall.size(); ++size) {
      const std::string answer = co_await fixture.exchange(kEchoCall.substr(0, size));
      EXPECT_TRUE(answer.empty() || answer == "(reset)") << size << ": " << answer;
    }
    EXPECT_EQ(fixture.seen->calls, 0);
    EXPECT_FALSE(fixture.log.lines().empty());
    EXPECT_EQ(co_await fixture.exchange(kEchoCall), kEchoAnswer);
  });
}

TEST_F(HostileClientTest, SurvivesAPeerThatVanishesAnywhere) {
  run([this](Shard& shard) -> Task<void> {
    Fixture fixture(shard, folder_);
    const std::string call = callOf("pass", "\0\1\0\1\0\4\3abc\1\0\1\0"s);
    for (std::size_t size = 0; size <= call.size(); ++size) {
      const auto stream = co_await fixture.connect();
      EXPECT_TRUE(co_await stream->writeAll(asBytes(std::string_view(call).substr(0, size))));
      co_await shard.sleepFor(milliseconds(1));
      stream->reset();
    }
    while (fixture.server->callCount() > 0) co_await shard.sleepFor(milliseconds(1));
    EXPECT_EQ(co_await fixture.exchange(kEchoCall), kEchoAnswer);
  });
}

TEST_F(HostileClientTest, SurvivesRandomBytes) {
  run([this](Shard& shard) -> Task<void> {
    Fixture fixture(shard, folder_);
    const unsigned seed = std::random_device()();
    std::mt19937 random(seed);
    for (int round = 0; round < 200; ++round) {
      std::string bytes = kEchoCall.substr(0, random() % 40);
      for (unsigned i = random() % 200; i > 0; --i) bytes += static_cast<char>(random());
      (void)co_await fixture.exchange(bytes);
    }
    EXPECT_EQ(co_await fixture.exchange(kEchoCall), kEchoAnswer) << "seed " << seed;
  });
}

// What the log must say for a call of these bytes, which must not be answered.
struct Wrong {
  std::string bytes;
  std::string reason;
};

TEST_F(HostileClientTest, SaysWhatIsWrong) {
  run([this](Shard& shard) -> Task<void> {
    const Wrong wrongs[] = {
        {"GET / HTTP/1.1\r\n\r\n", "version byte 0x47"},
        {"\0\xff\xff\xff\xff\x0f"s, "name of the instance is longer"},
        {callOf("other", "\0\0"s), "no such function"},
        {callOf("echo", "\0\x05\3xxx!"s), "take 4 bytes, but 5 came"},
        {callOf("echo", "\0\4\3xxx\0\1!"s), "more values than there are"},
        {callOf("echo", "\0\x07\xff\xff\xff\xff\xff\xff\xff"s), "a wrong length"},
        {callOf("echo", "\0\3\5ab"s), "finished after 3 bytes of incomplete values"},
        {callOf("echo", "\0\3\5a"s), "in the middle of a frame"},
        {callOf("echo", "\x21" + std::string(40, '\0')), "33 steps, at most 32"},
        {callOf("echo", "\1\xff\xff\xff\xff\x7f"s), "does not fit 32 bits"},
        {callOf("wait", "\0\1\0\1\0\5\1"s), "in the middle of a frame"},
        {callOf("wait", "\0\1\0\x21"s), "33 steps, at most 32"},
    };
    for (const Wrong& wrong : wrongs) {
      // A server of its own, because a log is limited.
      Fixture fixture(shard, folder_);
      const std::string answer = co_await fixture.exchange(wrong.bytes);
      // A call that was complete before what is wrong came may have been answered.
      EXPECT_TRUE(answer.empty() || answer == "(reset)" || wrong.reason.starts_with("more values"))
          << wrong.reason << ": " << answer;
      while (fixture.server->callCount() > 0) co_await shard.sleepFor(milliseconds(1));
      EXPECT_TRUE(fixture.log.mentions(wrong.reason) || wrong.reason.starts_with("more values"))
          << wrong.reason;
    }
  });
}

TEST_F(HostileClientTest, HoldsNoMoreThanItsLimits) {
  run([this](Shard& shard) -> Task<void> {
    FramedServerOptions options;
    options.limits.max_root_bytes = 1000;
    Fixture fixture(shard, folder_, options);
    // It claims 4 GiB and sends 1001 bytes of them.
    const std::string claim = "\0\xff\xff\xff\xff\x0f\xff\xff\xff\xff\x0f"s + std::string(996, 'x');
    (void)co_await fixture.exchange(callOf("echo", claim));
    EXPECT_TRUE(fixture.log.mentions("more than 1000 bytes"));
  });
}

TEST_F(HostileClientTest, RefusesTooMuchByTheHeadOfItsFrame) {
  run([this](Shard& shard) -> Task<void> {
    FramedServerOptions options;
    options.limits.max_root_bytes = 1000;
    Fixture fixture(shard, folder_, options);
    // Nothing of it ever comes, nor does the client finish.
    const auto client = co_await fixture.connect();
    EXPECT_TRUE(co_await client->writeAll(asBytes(callOf("echo", "\0\xff\xff\xff\xff\x0f"s))));
    EXPECT_EQ(co_await readAll(*client), "");
    EXPECT_TRUE(fixture.log.mentions("more than 1000 bytes"));
  });
}

TEST_F(HostileClientTest, SharesABudgetAmongAllCalls) {
  run([this](Shard& shard) -> Task<void> {
    FramedServerOptions options;
    options.max_buffered_bytes = 1500;
    Fixture fixture(shard, folder_, options);
    const std::string most = callOf("echo", "\0\xe8\x07\xe6\x07"s + std::string(900, 'x'));
    const auto first = co_await fixture.connect();
    EXPECT_TRUE(co_await first->writeAll(asBytes(most)));
    const auto second = co_await fixture.connect();
    EXPECT_TRUE(co_await second->writeAll(asBytes(most)));
    (void)co_await readAll(*second);
    EXPECT_TRUE(fixture.log.mentions("than is left for all calls"));
    // What the refused one held is free again.
    EXPECT_EQ(co_await fixture.exchange(kEchoCall), kEchoAnswer);
    EXPECT_TRUE(co_await first->writeAll(asBytes(std::string(98, 'x'))));
    EXPECT_EQ((co_await net::readExactly(*first, 3))->substr(0, 1), "\0"s);
  });
}

TEST_F(HostileClientTest, GivesUpOnASilentPeer) {
  run([this](Shard& shard) -> Task<void> {
    FramedServerOptions options;
    options.receive_timeout = milliseconds(20);
    Fixture fixture(shard, folder_, options);
    const auto silent = co_await fixture.connect();
    const auto slow = co_await fixture.connect();
    EXPECT_TRUE(co_await slow->writeAll(asBytes(std::string_view(kEchoCall).substr(0, 30))));
    (void)co_await readAll(*silent);
    (void)co_await readAll(*slow);
    while (fixture.server->callCount() > 0) co_await shard.sleepFor(milliseconds(1));
    EXPECT_EQ(fixture.log.lines().size(), 2u);
    EXPECT_TRUE(fixture.log.mentions("the parameters took too long"));
  });
}

// A byte at a time does not help either: the time is for all of them.
TEST_F(HostileClientTest, GivesUpOnAPeerThatDrips) {
  run([this](Shard& shard) -> Task<void> {
    FramedServerOptions options;
    options.receive_timeout = milliseconds(20);
    Fixture fixture(shard, folder_, options);
    const auto dripping = co_await fixture.connect();
    const std::string long_one = callOf("echo", "\0\x80\x80\x80\x04\xfc\xff\xff\x03"s);  // 8 MiB
    EXPECT_TRUE(co_await dripping->writeAll(asBytes(long_one)));
    while (fixture.log.lines().empty()) {
      (void)dripping->tryWrite(asBytes("x"));
      co_await shard.sleepFor(milliseconds(2));
    }
    EXPECT_TRUE(fixture.log.mentions("took too long"));
  });
}

TEST_F(HostileClientTest, TakesARootInVeryManyFrames) {
  run([this](Shard& shard) -> Task<void> {
    Fixture fixture(shard, folder_);
    std::string frames = "\0\2\x88\x27"s;  // a list of 5000 bytes
    for (int i = 0; i < 5000; ++i) frames += "\0\1x"s;
    const std::string answer = co_await fixture.exchange(callOf("echo", frames));
    EXPECT_EQ(answer, "\0\x8a\x27\x88\x27"s + std::string(5000, 'x'));
  });
}

TEST_F(HostileClientTest, ReadsAnEndlessStreamThatNobodyWantsWithoutKeepingIt) {
  run([this](Shard& shard) -> Task<void> {
    FramedServerOptions options;
    options.linger_timeout = milliseconds(50);
    Fixture fixture(shard, folder_, options);
    const auto stream = co_await fixture.connect();
    EXPECT_TRUE(co_await stream->writeAll(asBytes(callOf("none", "\0\0"s))));
    EXPECT_EQ(*co_await net::readExactly(*stream, 2), "\0\0"s);
    const std::string frame = "\1\0\xe8\x07"s + std::string(1000, 'x');
    while (co_await stream->writeAll(asBytes(frame))) continue;
    while (fixture.server->callCount() > 0) co_await shard.sleepFor(milliseconds(1));
  });
}

TEST_F(HostileClientTest, KeepsTheLogShort) {
  run([this](Shard& shard) -> Task<void> {
    Fixture fixture(shard, folder_);
    for (int i = 0; i < 100; ++i) (void)co_await fixture.exchange("nonsense");
    EXPECT_EQ(fixture.log.lines().size(), 20u);
  });
}

}  // namespace
}  // namespace nimbus::wrpc
