#include "net/stream.h"

#include <sys/socket.h>

#include <optional>

#include "base/sync.h"
#include "net/test_certificates.h"
#include "net/test_support.h"

namespace nimbus::net {
namespace {

// What every kind of stream keeps to, whatever is below.
enum class Kind { kTcp, kUnix, kTls };

class EveryStream : public ShardTest, public ::testing::WithParamInterface<Kind> {
 protected:
  void SetUp() override {
    ShardTest::SetUp();
    if (GetParam() != Kind::kTls) return;
    server_ =
        *makeTlsServerContext({.certificates = {authority_.issue("server", "DNS:server.test")},
                               .client_ca_path = {},
                               .alpn = {}});
    client_ = *makeTlsClientContext({.system_roots = false,
                                     .der_roots = {},
                                     .extra_ca_paths = {authority_.caPath()},
                                     .identity = {}});
  }

  Task<StreamPair> pairOf(Shard& shard) {
    const Endpoint where =
        *Endpoint::parse(GetParam() == Kind::kUnix ? "unix:" + folder_.path("s") : "127.0.0.1:0");
    StreamPair pair = co_await connectedPair(shard, where);
    if (GetParam() != Kind::kTls) co_return pair;
    OneShot<std::unique_ptr<Stream>> accepted;
    TaskSet tasks;
    tasks.spawn(accept(std::move(pair.server), accepted));
    auto client = co_await client_->connect(std::move(pair.client), "server.test", {});
    co_await tasks.empty();
    co_return StreamPair{.client = std::move(*client), .server = co_await accepted.wait()};
  }

 private:
  Task<void> accept(std::unique_ptr<Stream> stream, OneShot<std::unique_ptr<Stream>>& accepted) {
    auto tls = co_await server_->accept(std::move(stream), std::chrono::seconds(10));
    accepted.set(std::move(*tls));
  }

  TemporaryFolder folder_;
  TestAuthority authority_;
  std::shared_ptr<TlsServerContext> server_;
  std::shared_ptr<TlsClientContext> client_;
};

std::string kindName(const ::testing::TestParamInfo<Kind>& info) {
  switch (info.param) {
    case Kind::kTcp: return "Tcp";
    case Kind::kUnix: return "Unix";
    case Kind::kTls: return "Tls";
  }
  return {};
}
INSTANTIATE_TEST_SUITE_P(All, EveryStream, ::testing::Values(Kind::kTcp, Kind::kUnix, Kind::kTls),
                         kindName);

std::string pattern(std::size_t size, unsigned seed) {
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>((seed = seed * 1664525 + 1013904223) >> 24);
  return text;
}

// Fills the stream until it takes nothing; returns how much it took.
std::size_t fillUp(Stream& stream) {
  const std::string chunk(64 * 1024, 'x');
  for (std::size_t total = 0;;) {
    const auto taken = stream.tryWrite(asBytes(chunk));
    if (!taken || *taken == 0) return total;
    total += *taken;
  }
}

Task<void> readInto(Stream& stream, std::span<std::uint8_t> buffer,
                    std::optional<Result<std::size_t>>& result) {
  result = co_await stream.read(buffer);
}

TEST_P(EveryStream, CarriesBytesBothWays) {
  run([this](Shard& shard) -> Task<void> {
    StreamPair pair = co_await pairOf(shard);
    EXPECT_TRUE(co_await pair.client->writeAll(asBytes("ping")));
    EXPECT_EQ(*co_await readExactly(*pair.server, 4), "ping");
    EXPECT_TRUE(co_await pair.server->writeAll(asBytes("pong")));
    EXPECT_EQ(*co_await readExactly(*pair.client, 4), "pong");
  });
}

TEST_P(EveryStream, ReadsWithATinyBufferLoseNothing) {
  run([this](Shard& shard) -> Task<void> {
    StreamPair pair = co_await pairOf(shard);
    EXPECT_TRUE(co_await pair.client->writeAll(asBytes("0123456789")));
    EXPECT_TRUE(co_await pair.client->shutdownWrite());
    std::string got;
    for (;;) {
      std::array<std::uint8_t, 3> buffer;
      EXPECT_TRUE(co_await pair.server->readable());
      const std::size_t count = *co_await pair.server->read(buffer);
      if (count == 0) break;
      got += asText(ByteView(buffer).first(count));
    }
    EXPECT_EQ(got, "0123456789");
  });
}

TEST_P(EveryStream, BigTransfersInBothDirectionsAtOnceArriveWhole) {
  run([this](Shard& shard) -> Task<void> {
    StreamPair pair = co_await pairOf(shard);
    const std::string up = pattern(24 * 1024 * 1024 + 17, 1);
    const std::string down = pattern(16 * 1024 * 1024 + 3, 2);
    const auto send = [](Stream& stream, const std::string& text) -> Task<void> {
      EXPECT_TRUE(co_await stream.writeAll(asBytes(text)));
      EXPECT_TRUE(co_await stream.shutdownWrite());
    };
    const auto receive = [](Stream& stream, const std::string& text) -> Task<void> {
      EXPECT_TRUE(*co_await readToEnd(stream) == text);
    };
    TaskSet tasks;
    tasks.spawn(send(*pair.client, up));
    tasks.spawn(send(*pair.server, down));
    tasks.spawn(receive(*pair.server, up));
    tasks.spawn(receive(*pair.client, down));
    co_await tasks.empty();
  });
}

TEST_P(EveryStream, TryWriteTakesNothingWhileThePeerDoesNotRead) {
  run([this](Shard& shard) -> Task<void> {
    StreamPair pair = co_await pairOf(shard);
    const std::size_t taken = fillUp(*pair.client);
    EXPECT_GT(taken, 0u);
    EXPECT_LT(taken, 64u * 1024 * 1024);
    bool writable = false;
    const auto wait = [](Stream& stream, bool& flag) -> Task<void> {
      EXPECT_TRUE(co_await stream.writable());
      flag = true;
    };
    TaskSet tasks;
    tasks.spawn(wait(*pair.client, writable));
    EXPECT_FALSE(writable);
    EXPECT_EQ((co_await readExactly(*pair.server, taken))->size(), taken);
    co_await tasks.empty();
    EXPECT_GT(*pair.client->tryWrite(asBytes("more")), 0u);
    EXPECT_EQ(*co_await readExactly(*pair.server, 4), "more");
  });
}

TEST_P(EveryStream, WhatTryWriteTookArrivesThoughTheWriterDoesNothingMore) {
  run([this](Shard& shard) -> Task<void> {
    StreamPair pair = co_await pairOf(shard);
    const std::size_t taken = fillUp(*pair.client);
    EXPECT_EQ((co_await readExactly(*pair.server, taken))->size(), taken);
  });
}

TEST_P(EveryStream, AFinishedPeerIsTheEndAgainAndAgainAndCanStillBeAnswered) {
  run([this](Shard& shard) -> Task<void> {
    StreamPair pair = co_await pairOf(shard);
    EXPECT_TRUE(co_await pair.client->writeAll(asBytes("last")));
    EXPECT_TRUE(co_await pair.client->shutdownWrite());
    EXPECT_EQ(*co_await readToEnd(*pair.server), "last");
    EXPECT_EQ(*co_await readToEnd(*pair.server), "");
    EXPECT_TRUE(co_await pair.server->readable());
    EXPECT_TRUE(co_await pair.server->writeAll(asBytes("answer")));
    EXPECT_TRUE(co_await pair.server->shutdownWrite());
    EXPECT_EQ(*co_await readToEnd(*pair.client), "answer");
  });
}

TEST_P(EveryStream, ReadableWaitsUntilThereIsSomethingAndTakesNothing) {
  run([this](Shard& shard) -> Task<void> {
    StreamPair pair = co_await pairOf(shard);
    bool ready = false;
    const auto wait = [](Stream& stream, bool& flag) -> Task<void> {
      EXPECT_TRUE(co_await stream.readable());
      flag = true;
    };
    TaskSet tasks;
    tasks.spawn(wait(*pair.server, ready));
    EXPECT_FALSE(ready);
    EXPECT_TRUE(co_await pair.client->writeAll(asBytes("x")));
    co_await tasks.empty();
    EXPECT_TRUE(co_await pair.server->readable());
    EXPECT_EQ(*co_await readExactly(*pair.server, 1), "x");
  });
}

TEST_P(EveryStream, CloseEndsPendingOperationsWithCancelled) {
  run([this](Shard& shard) -> Task<void> {
    StreamPair pair = co_await pairOf(shard);
    (void)fillUp(*pair.client);
    std::array<std::uint8_t, 8> buffer;
    std::optional<Result<std::size_t>> read;
    std::optional<Result<void>> written;
    const auto waitToWrite = [](Stream& stream, std::optional<Result<void>>& result) -> Task<void> {
      result = co_await stream.writable();
    };
    TaskSet tasks;
    tasks.spawn(readInto(*pair.client, buffer, read));
    tasks.spawn(waitToWrite(*pair.client, written));
    pair.client->close();
    EXPECT_FALSE(read.has_value());  // told later, never from within close()
    co_await tasks.empty();
    EXPECT_EQ(read->error().code(), ErrorCode::kCancelled);
    EXPECT_EQ(written->error().code(), ErrorCode::kCancelled);
    EXPECT_EQ((co_await pair.client->read(buffer)).error().code(), ErrorCode::kCancelled);
    EXPECT_EQ((co_await pair.client->readable()).error().code(), ErrorCode::kCancelled);
    EXPECT_EQ(pair.client->tryWrite(asBytes("x")).error().code(), ErrorCode::kCancelled);
    EXPECT_EQ((co_await pair.client->shutdownWrite()).error().code(), ErrorCode::kCancelled);
  });
}

TEST_P(EveryStream, ADestroyedReadNeverTouchesItsBufferAgain) {
  run([this](Shard& shard) -> Task<void> {
    StreamPair pair = co_await pairOf(shard);
    {
      auto buffer = std::make_unique<std::array<std::uint8_t, 64>>();
      std::optional<Result<std::size_t>> result;
      TaskSet tasks;
      tasks.spawn(readInto(*pair.server, *buffer, result));
    }
    EXPECT_TRUE(co_await pair.client->writeAll(asBytes("late")));
    co_await shard.sleepFor(std::chrono::milliseconds(5));
    pair.server->close();
    co_await shard.sleepFor(std::chrono::milliseconds(1));
  });
}

TEST_P(EveryStream, MayBeDestroyedBeforeTheTaskThatReadsIt) {
  run([this](Shard& shard) -> Task<void> {
    StreamPair pair = co_await pairOf(shard);
    std::array<std::uint8_t, 8> buffer;
    std::optional<Result<std::size_t>> result;
    TaskSet tasks;
    tasks.spawn(readInto(*pair.client, buffer, result));
    pair.client.reset();
    co_await shard.sleepFor(std::chrono::milliseconds(1));
    EXPECT_FALSE(result.has_value());
  });
}

TEST_P(EveryStream, MayBeDestroyedByWhoeverItsCompletionResumes) {
  run([this](Shard& shard) -> Task<void> {
    StreamPair pair = co_await pairOf(shard);
    const auto readAndDestroy = [](std::unique_ptr<Stream> stream) -> Task<void> {
      std::array<std::uint8_t, 8> buffer;
      EXPECT_EQ(*co_await stream->read(buffer), 1u);
      stream.reset();
    };
    const auto writeAndDestroy = [](std::unique_ptr<Stream> stream) -> Task<void> {
      (void)fillUp(*stream);
      EXPECT_TRUE(co_await stream->writable());
      stream.reset();
    };
    TaskSet tasks;
    tasks.spawn(readAndDestroy(std::move(pair.server)));
    EXPECT_TRUE(co_await pair.client->writeAll(asBytes("x")));
    co_await tasks.empty();
    pair = co_await pairOf(shard);
    tasks.spawn(writeAndDestroy(std::move(pair.server)));
    (void)co_await readToEnd(*pair.client);
    co_await tasks.empty();
  });
}

TEST_P(EveryStream, WritingToAPeerThatIsGoneFailsInTheEnd) {
  run([this](Shard& shard) -> Task<void> {
    StreamPair pair = co_await pairOf(shard);
    pair.server.reset();
    const std::string chunk(1024 * 1024, 'x');
    Result<void> written;
    for (int round = 0; round < 64 && written; ++round) {
      written = co_await pair.client->writeAll(asBytes(chunk));
    }
    EXPECT_FALSE(written);
    EXPECT_EQ(written.error().code(), ErrorCode::kIo);
  });
}

}  // namespace
}  // namespace nimbus::net
