#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/log.h"
#include "base/test_folder.h"
#include "capability/keyvalue/nats/nats_store.h"
#include "nats/connection.h"
#include "nats/reply_slots.h"
#include "nats/test_server.h"
#include "net/test_support.h"

namespace nimbus::keyvalue {

// A nats-server with JetStream in a folder of its own, and stores in it. For tests only.
class NatsTest : public net::ShardTest {
 protected:
  // What the server is told beyond where it keeps things.
  static constexpr const char* kLargeValues = "max_payload: 33554432\n";

  void startServer(std::string_view more = kLargeValues) {
    server_ = std::make_unique<nats::TestServer>(
        fmt::format("jetstream {{ store_dir: \"{}\" }}\n{}", folder_.path("js"), more));
  }
  // Without JetStream.
  void startPlainServer() { server_ = std::make_unique<nats::TestServer>(); }

  [[nodiscard]] std::unique_ptr<NatsStore> connect(NatsStoreOptions options = {},
                                                   std::string_view user_info = {}) {
    std::unique_ptr<NatsStore> store;
    run([&](net::Shard& shard) -> Task<void> {
      auto connected = co_await NatsStore::connect(shard, {.servers = {server_->url(user_info)}},
                                                   std::move(options), *log_);
      EXPECT_TRUE(connected) << connected.error().describe();
      if (connected) store = *std::move(connected);
    });
    return store;
  }

  using Work = std::move_only_function<Task<void>(Bucket&)>;
  // Runs the work with that bucket.
  void inBucket(Keyspace& keyspace, std::string_view name, Work work) {
    run([&](net::Shard&) -> Task<void> {
      auto bucket = co_await keyspace.open(name);
      EXPECT_TRUE(bucket) << bucket.error().describe();
      if (bucket) co_await work(**bucket);
    });
  }

  const std::unique_ptr<Logger> log_ = makeNullLogger();
  TemporaryFolder folder_;
  std::unique_ptr<nats::TestServer> server_;
};

// Another client of the same server, on the shard that made it.
class PlainClient {
 public:
  [[nodiscard]] static Task<std::unique_ptr<PlainClient>> connect(net::Shard& shard,
                                                                  std::string url, Logger& log) {
    auto connection = co_await nats::Connection::connect(shard, {.servers = {std::move(url)}}, log);
    EXPECT_TRUE(connection) << connection.error().describe();
    co_return std::make_unique<PlainClient>(*std::move(connection), shard);
  }
  PlainClient(std::shared_ptr<nats::Connection> connection, net::Shard& shard)
      : connection_(std::move(connection)),
        slots_(std::make_shared<nats::ReplySlots>(connection_, shard, 100)) {}

  // The answer's payload, or "error: …".
  [[nodiscard]] Task<std::string> ask(std::string subject, std::string payload,
                                      nats::Connection::Headers headers = {}) {
    const auto answer =
        co_await nats::request(slots_, std::move(subject), Bytes::take(std::move(payload)),
                               std::chrono::seconds(5), std::move(headers));
    if (!answer) co_return "error: " + answer.error().describe();
    co_return std::string(asText(answer->payload()));
  }
  [[nodiscard]] nats::Connection& connection() { return *connection_; }
  [[nodiscard]] Task<void> close() {
    slots_ = nullptr;
    co_await connection_->close();
  }

 private:
  const std::shared_ptr<nats::Connection> connection_;
  std::shared_ptr<nats::ReplySlots> slots_;
};

}  // namespace nimbus::keyvalue
