#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <array>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/sync.h"
#include "net/test_certificates.h"
#include "net/test_support.h"
#include "net/tls.h"
#include "net/tls_support.h"

namespace nimbus::net {
namespace {

// A client that does what TlsStream never would: OpenSSL between two buffers, pumped by the test.
class RawClient {
 public:
  explicit RawClient(std::unique_ptr<Stream> stream)
      : context_(SSL_CTX_new(TLS_client_method())),
        ssl_(SSL_new(context_.get())),
        stream_(std::move(stream)) {
    SSL_set_connect_state(ssl_.get());
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  }

  Task<void> handshake() {
    while (SSL_do_handshake(ssl_.get()) != 1) {
      co_await flush();
      std::array<std::uint8_t, 16 * 1024> bytes;
      const std::size_t count = (co_await stream_->read(bytes)).value_or(0);
      NIMBUS_CHECK(count > 0);
      BIO_write(SSL_get_rbio(ssl_.get()), bytes.data(), static_cast<int>(count));
    }
    co_await flush();
  }
  // Each asks for an answer, which this client never reads.
  void changeKeys(int times) {
    for (int i = 0; i < times; ++i) {
      NIMBUS_CHECK(SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_REQUESTED) == 1);
      NIMBUS_CHECK(SSL_do_handshake(ssl_.get()) == 1);
    }
  }
  void write(std::string_view text) {
    NIMBUS_CHECK(SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())) > 0);
  }
  [[nodiscard]] std::string takeOutput() {
    char* data = nullptr;
    const long size = BIO_get_mem_data(SSL_get_wbio(ssl_.get()), &data);
    std::string bytes(data, static_cast<std::size_t>(size));
    (void)BIO_reset(SSL_get_wbio(ssl_.get()));
    return bytes;
  }
  Task<void> flush() {
    const std::string bytes = takeOutput();
    EXPECT_TRUE(co_await stream_->writeAll(asBytes(bytes)));
  }
  Stream& stream() { return *stream_; }

 private:
  SslContextPtr context_;
  SslPtr ssl_;
  std::unique_ptr<Stream> stream_;
};

// The server's end of a connection whose transport the test holds back at will.
class Throttled final : public Stream {
 public:
  Throttled(std::unique_ptr<Stream> inner, bool& takes_nothing)
      : inner_(std::move(inner)), takes_nothing_(takes_nothing) {}

  Task<Result<std::size_t>> read(std::span<std::uint8_t> into) override {
    return inner_->read(into);
  }
  Task<Result<void>> readable() override { return inner_->readable(); }
  Result<std::size_t> tryWrite(ByteView bytes) override {
    if (takes_nothing_) return 0;
    return inner_->tryWrite(bytes);
  }
  Task<Result<void>> writable() override {
    while (takes_nothing_) co_await Shard::current()->sleepFor(std::chrono::milliseconds(1));
    co_return Result<void>{};
  }
  Task<Result<void>> shutdownWrite() override { return inner_->shutdownWrite(); }
  void close() override { inner_->close(); }
  const PeerInfo& peer() const override { return inner_->peer(); }

 private:
  std::unique_ptr<Stream> inner_;
  bool& takes_nothing_;
};

class TlsFloodTest : public ShardTest {
 protected:
  struct Ends {
    std::unique_ptr<RawClient> client;
    std::unique_ptr<Stream> server;
  };
  Task<Ends> connect(Shard& shard) {
    StreamPair pair = co_await connectedPair(shard);
    auto accepted =
        context_->accept(std::make_unique<Throttled>(std::move(pair.server), takes_nothing_),
                         std::chrono::seconds(10));
    accepted.start();
    Ends ends{std::make_unique<RawClient>(std::move(pair.client)), nullptr};
    co_await ends.client->handshake();
    while (!accepted.done()) co_await shard.sleepFor(std::chrono::milliseconds(1));
    ends.server = *accepted.take();
    co_return ends;
  }
  static Task<Result<std::string>> readSome(Stream& stream) {
    std::array<std::uint8_t, 100> buffer;
    CO_TRY(const std::size_t count, co_await stream.read(buffer));
    co_return std::string(asText(ByteView(buffer).first(count)));
  }

  TestAuthority authority_;
  bool takes_nothing_ = false;
  std::shared_ptr<TlsServerContext> context_ =
      *makeTlsServerContext({.certificates = {authority_.issue("server", "DNS:server.test")},
                             .client_ca_path = {},
                             .alpn = {}});
};

TEST_F(TlsFloodTest, AFewChangesOfKeysBetweenContentAreFine) {
  run([this](Shard& shard) -> Task<void> {
    Ends ends = co_await connect(shard);
    for (int round = 0; round < 3; ++round) {
      ends.client->changeKeys(30);
      ends.client->write("content");
      co_await ends.client->flush();
      EXPECT_TRUE(co_await ends.server->readable());
      EXPECT_EQ((co_await readSome(*ends.server)).value_or("failed"), "content");
    }
  });
}

TEST_F(TlsFloodTest, TooManyMessagesWithoutContentBreakTheStream) {
  run([this](Shard& shard) -> Task<void> {
    for (const bool waits : {false, true}) {
      Ends ends = co_await connect(shard);
      ends.client->changeKeys(40);
      ends.client->write("content");
      co_await ends.client->flush();
      if (waits) EXPECT_TRUE(co_await ends.server->readable());
      const auto got = co_await readSome(*ends.server);
      EXPECT_FALSE(got);
      if (!got) EXPECT_EQ(got.error().code(), ErrorCode::kProtocol);
    }
  });
}

TEST_F(TlsFloodTest, OthersHaveTheirTurnBetweenMessagesWithoutContent) {
  run([this](Shard& shard) -> Task<void> {
    Ends ends = co_await connect(shard);
    ends.client->changeKeys(30);
    ends.client->write("content");
    co_await ends.client->flush();
    co_await shard.sleepFor(std::chrono::milliseconds(5));  // all of it is there
    auto reading = readSome(*ends.server);
    reading.start();
    int turns = 0;
    for (; !reading.done(); ++turns) co_await shard.sleepFor(Duration::zero());
    EXPECT_GE(turns, 5);
    EXPECT_EQ(reading.take().value_or("failed"), "content");
  });
}

TEST_F(TlsFloodTest, NothingMoreIsReadWhileTooManyAnswersAreUnsent) {
  run([this](Shard& shard) -> Task<void> {
    Ends ends = co_await connect(shard);
    takes_nothing_ = true;
    int received = 0;
    constexpr int kRounds = 100;
    const auto readAll = [&]() -> Task<void> {
      for (; received < kRounds; ++received) {
        if (!co_await readExactly(*ends.server, 1)) co_return;
      }
    };
    auto reading = readAll();
    reading.start();
    for (int round = 0; round < kRounds; ++round) {
      ends.client->changeKeys(30);
      ends.client->write("x");
      co_await ends.client->flush();
    }
    int before = 0;
    for (int still = 0; still < 20; ++still) {
      co_await shard.sleepFor(std::chrono::milliseconds(2));
      if (received == 0 || received != std::exchange(before, received)) still = 0;
    }
    EXPECT_LT(received, kRounds / 2);
    takes_nothing_ = false;
    while (!reading.done()) co_await shard.sleepFor(std::chrono::milliseconds(1));
    EXPECT_EQ(received, kRounds);
  });
}

}  // namespace
}  // namespace nimbus::net
