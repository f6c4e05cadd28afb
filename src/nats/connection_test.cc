#include "nats/connection.h"

#include <atomic>
#include <deque>
#include <latch>
#include <optional>

#include "base/sync.h"
#include "nats/test_server.h"
#include "net/test_support.h"

namespace nimbus::nats {
namespace {

using std::chrono::seconds;

// Keeps what it is told, and lets a task wait for so many messages.
class Inbox final : public Subscriber {
 public:
  struct Kept {
    std::string subject;
    std::string reply;
    std::string text;
    std::string header;
    int status;
  };
  void received(Message message) override {
    messages.push_back({std::string(message.subject()), std::string(message.reply()),
                        std::string(asText(message.payload())),
                        std::string(message.header("colour").value_or("")), message.status()});
    if (messages.size() >= wanted_) news_.set();
  }
  void noResponders() override {
    no_responders += 1;
    news_.set();
  }
  void lost(Error why) override {
    losses.push_back(std::move(why));
    news_.set();
  }

  Task<void> has(std::size_t count) {
    wanted_ = count;
    if (messages.size() >= count) co_return;
    news_.clear();
    co_await news_.wait();
  }
  Task<void> news() {
    news_.clear();
    co_await news_.wait();
  }

  std::deque<Kept> messages;
  int no_responders = 0;
  std::vector<Error> losses;

 private:
  std::size_t wanted_ = 1;
  Event news_;
};

// A log that tasks of one shard can wait for; libnats tells of its state on threads of its own.
class WatchedLog final : public Logger {
 public:
  [[nodiscard]] bool enabled(LogLevel) const override { return true; }
  void write(LogLevel, std::string_view message, std::initializer_list<LogField>) override {
    net::Shard* const shard = shard_;
    if (shard == nullptr) return;
    shard->post([this, text = std::string(message)] {
      messages_.push_back(text);
      news_.set();
    });
  }

  void watch(net::Shard& shard) { shard_ = &shard; }
  // Until a record with that message has been written since the last time.
  Task<void> has(std::string message) {
    while (true) {
      for (auto found = messages_.begin(); found != messages_.end(); ++found) {
        if (*found != message) continue;
        messages_.erase(messages_.begin(), found + 1);
        co_return;
      }
      news_.clear();
      co_await news_.wait();
    }
  }

 private:
  std::atomic<net::Shard*> shard_ = nullptr;
  std::deque<std::string> messages_;
  Event news_;
};

constexpr const char* kLost = "lost the connection to the NATS server";
constexpr const char* kBack = "connected to a NATS server again";

class ConnectionTest : public net::ShardTest {
 protected:
  Task<Result<std::shared_ptr<Connection>>> tryConnect(net::Shard& shard, ConnectOptions options) {
    return Connection::connect(shard, std::move(options), log_);
  }
  // A connection to `server_`; the test fails if there is none.
  Task<std::shared_ptr<Connection>> connect(net::Shard& shard) {
    auto connection = co_await tryConnect(shard, {.servers = {server_.url()}});
    EXPECT_TRUE(connection) << connection.error().describe();
    co_return std::move(*connection);
  }

  TestServer server_;
  WatchedLog log_;
};

TEST(ForbiddenSubjectTest, IsKnownOnceTheServerHasSaidSo) {
  const TestServer server(
      "authorization { users: [ { user: me, password: x, permissions: { publish: \"may.>\" } } ] "
      "}");
  WatchedLog log;
  auto group = net::ShardGroup::start(1);
  ASSERT_TRUE(group);
  (*group)->runTask(0, [&](net::Shard& shard) -> Task<void> {
    log.watch(shard);
    const TimePoint before = std::chrono::steady_clock::now();
    auto connection = co_await Connection::connect(shard, {.servers = {server.url("me:x@")}}, log);
    EXPECT_TRUE(connection);
    if (!connection) co_return;
    EXPECT_TRUE((*connection)->publish("may.this", asBytes("x")));
    EXPECT_TRUE((*connection)->publish("may-not.this", asBytes("x")));
    co_await log.has("NATS reports an error");
    EXPECT_TRUE((*connection)->wasForbidden("may-not.this", before));
    EXPECT_FALSE((*connection)->wasForbidden("may-not.this", std::chrono::steady_clock::now()));
    EXPECT_FALSE((*connection)->wasForbidden("may.this", before));
    co_await (*connection)->close();
  });
}

TEST_F(ConnectionTest, DeliversWhatIsPublished) {
  run([this](net::Shard& shard) -> Task<void> {
    auto connection = co_await connect(shard);
    Inbox inbox;
    auto subscription = connection->subscribe(shard, {.subject = "a.*"}, inbox);
    EXPECT_TRUE(subscription);
    EXPECT_TRUE(connection->publish("a.b", "answer.here", asBytes("hello")));
    EXPECT_TRUE(connection->publish("a.c", "", {{"colour", "red"}}, asBytes("")));
    co_await inbox.has(2);
    EXPECT_EQ(inbox.messages[0].subject, "a.b");
    EXPECT_EQ(inbox.messages[0].reply, "answer.here");
    EXPECT_EQ(inbox.messages[0].text, "hello");
    EXPECT_EQ(inbox.messages[1].text, "");
    EXPECT_EQ(inbox.messages[1].header, "red");
    subscription->reset();
    co_await connection->close();
  });
}

TEST_F(ConnectionTest, KeepsThePayloadBeyondItsMessage) {
  class Keeper final : public Subscriber {
   public:
    void received(Message message) override {
      kept = std::move(message).takePayload();
      done.set();
    }
    void noResponders() override {}
    void lost(Error) override {}
    Bytes kept;
    Event done;
  };
  run([this](net::Shard& shard) -> Task<void> {
    auto connection = co_await connect(shard);
    Keeper keeper;
    auto subscription = connection->subscribe(shard, {.subject = "x"}, keeper);
    EXPECT_TRUE(connection->publish("x", asBytes("payload")));
    co_await keeper.done.wait();
    subscription->reset();
    co_await connection->close();
    EXPECT_EQ(keeper.kept.text(), "payload");
  });
}

TEST_F(ConnectionTest, DeliversMegabytesInOrder) {
  run([this](net::Shard& shard) -> Task<void> {
    auto connection = co_await connect(shard);
    Inbox inbox;
    auto subscription = connection->subscribe(shard, {.subject = "big"}, inbox);
    for (int index = 0; index < 12; ++index) {
      const std::string text(std::size_t{1000} * 1000, static_cast<char>('a' + index));
      EXPECT_TRUE(connection->publish("big", asBytes(text)));
    }
    co_await inbox.has(12);
    for (int index = 0; index < 12; ++index) {
      EXPECT_EQ(inbox.messages[index].text.size(), 1000u * 1000);
      EXPECT_EQ(inbox.messages[index].text[0], static_cast<char>('a' + index));
    }
    subscription->reset();
    co_await connection->close();
  });
}

TEST_F(ConnectionTest, FindsMessagesOfManySubscriptions) {
  run([this](net::Shard& shard) -> Task<void> {
    auto connection = co_await connect(shard);
    std::deque<Inbox> inboxes(50);
    std::vector<std::unique_ptr<Subscription>> subscriptions;
    for (std::size_t index = 0; index < inboxes.size(); ++index) {
      auto made =
          connection->subscribe(shard, {.subject = "s" + std::to_string(index)}, inboxes[index]);
      subscriptions.push_back(std::move(*made));
    }
    for (const int index : {49, 0, 25, 49}) {
      EXPECT_TRUE(connection->publish("s" + std::to_string(index), asBytes("x")));
    }
    co_await inboxes[49].has(2);
    co_await inboxes[0].has(1);
    co_await inboxes[25].has(1);
    EXPECT_EQ(inboxes[0].messages.size(), 1u);
    EXPECT_EQ(inboxes[25].messages.size(), 1u);
    EXPECT_EQ(inboxes[1].messages.size(), 0u);
    subscriptions.clear();
    co_await connection->close();
  });
}

TEST_F(ConnectionTest, GivesOneOfAQueueGroupEachMessage) {
  run([this](net::Shard& shard) -> Task<void> {
    auto connection = co_await connect(shard);
    Inbox one;
    Inbox two;
    Inbox all;
    auto first = connection->subscribe(shard, {.subject = "q", .queue_group = "g"}, one);
    auto second = connection->subscribe(shard, {.subject = "q", .queue_group = "g"}, two);
    auto third = connection->subscribe(shard, {.subject = "q"}, all);
    for (int index = 0; index < 20; ++index) EXPECT_TRUE(connection->publish("q", asBytes("x")));
    EXPECT_TRUE(co_await connection->flush(shard, seconds(10)));
    co_await all.has(20);
    EXPECT_EQ(one.messages.size() + two.messages.size(), 20u);
    first->reset();
    second->reset();
    third->reset();
    co_await connection->close();
  });
}

TEST_F(ConnectionTest, TellsThatNobodyListens) {
  run([this](net::Shard& shard) -> Task<void> {
    auto connection = co_await connect(shard);
    Inbox inbox;
    const std::string subject = connection->newInbox();
    auto subscription = connection->subscribe(shard, {.subject = subject + ".>"}, inbox);
    EXPECT_TRUE(connection->publish("nobody.here", subject + ".1", asBytes("x")));
    co_await inbox.news();
    EXPECT_EQ(inbox.no_responders, 1);
    subscription->reset();
    co_await connection->close();
  });
}

TEST_F(ConnectionTest, StopsDeliveringOnceTheSubscriptionHasEnded) {
  run([this](net::Shard& shard) -> Task<void> {
    auto connection = co_await connect(shard);
    Inbox ended;
    Inbox going_on;
    auto first = connection->subscribe(shard, {.subject = "x"}, ended);
    auto second = connection->subscribe(shard, {.subject = "x"}, going_on);
    EXPECT_TRUE(connection->publish("x", asBytes("1")));
    first->reset();
    EXPECT_TRUE(connection->publish("x", asBytes("2")));
    co_await going_on.has(2);
    EXPECT_TRUE(ended.messages.empty());
    second->reset();
    co_await connection->close();
  });
}

TEST_F(ConnectionTest, RefusesMoreThanTheServerTakes) {
  run([this](net::Shard& shard) -> Task<void> {
    auto connection = co_await connect(shard);
    EXPECT_EQ(connection->maxPayload(), 1024u * 1024);
    const std::string text(connection->maxPayload() + 1, 'x');
    const auto published = connection->publish("x", asBytes(text));
    EXPECT_FALSE(published);
    EXPECT_EQ(published.error().code(), ErrorCode::kResourceExhausted);
    co_await connection->close();
  });
}

TEST_F(ConnectionTest, SaysWhenThereIsNoServer) {
  run([this](net::Shard& shard) -> Task<void> {
    server_.stop();
    auto connection = co_await tryConnect(shard, {.servers = {server_.url()}});
    EXPECT_FALSE(connection);
    EXPECT_EQ(connection.error().code(), ErrorCode::kUnavailable);
  });
}

TEST_F(ConnectionTest, ProvesItsIdentity) {
  run([this](net::Shard& shard) -> Task<void> {
    const TestServer closed("authorization { user: me, password: secret }");
    auto stranger = co_await tryConnect(shard, {.servers = {closed.url()}});
    EXPECT_FALSE(stranger);
    EXPECT_EQ(stranger.error().code(), ErrorCode::kPermissionDenied);
    auto known =
        co_await tryConnect(shard, {.servers = {closed.url()}, .user = "me", .password = "secret"});
    EXPECT_TRUE(known);
    co_await (*known)->close();
    const TestServer by_token("authorization { token: t0ken }");
    auto bearer = co_await tryConnect(shard, {.servers = {by_token.url()}, .token = "t0ken"});
    EXPECT_TRUE(bearer);
    co_await (*bearer)->close();
  });
}

// The server forgets everything; the connection tells it again.
TEST_F(ConnectionTest, SubscribesAgainAfterTheServerWasAway) {
  run([this](net::Shard& shard) -> Task<void> {
    auto connection = co_await connect(shard);
    Inbox inbox;
    auto subscription = connection->subscribe(shard, {.subject = "x"}, inbox);
    EXPECT_TRUE(co_await connection->flush(shard, seconds(10)));
    log_.watch(shard);
    server_.stop();
    co_await log_.has(kLost);
    EXPECT_FALSE(connection->connected());
    const auto refused = connection->publish("x", asBytes("lost"));
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), ErrorCode::kUnavailable);
    server_.restart();
    co_await log_.has(kBack);
    EXPECT_TRUE(connection->publish("x", asBytes("found")));
    co_await inbox.has(1);
    EXPECT_EQ(inbox.messages[0].text, "found");
    subscription->reset();
    co_await connection->close();
  });
}

TEST_F(ConnectionTest, EndsWhileTheServerIsAway) {
  run([this](net::Shard& shard) -> Task<void> {
    auto connection = co_await connect(shard);
    log_.watch(shard);
    server_.stop();
    co_await log_.has(kLost);
    EXPECT_FALSE(connection->connected());
    co_await connection->close();
  });
}

TEST_F(ConnectionTest, EndsWithItsLastOwner) {
  run([this](net::Shard& shard) -> Task<void> {
    auto connection = co_await connect(shard);
    EXPECT_TRUE(connection->publish("x", asBytes("x")));
    connection = nullptr;
  });
}

// Two shards: the first is the connection's home, the second subscribes.
class TwoShardsTest : public ConnectionTest {
 protected:
  void SetUp() override { group_ = std::move(*net::ShardGroup::start(2)); }
};

TEST_F(TwoShardsTest, DeliversToAnotherShard) {
  std::shared_ptr<Connection> connection;
  run([&](net::Shard& shard) -> Task<void> { connection = co_await connect(shard); });
  group_->runTask(1, [&](net::Shard& shard) -> Task<void> {
    Inbox inbox;
    auto subscription = connection->subscribe(shard, {.subject = "x"}, inbox);
    for (int index = 0; index < 100; ++index) {
      EXPECT_TRUE(connection->publish("x", asBytes(std::to_string(index))));
    }
    co_await inbox.has(100);
    EXPECT_EQ(inbox.messages[99].text, "99");
    subscription->reset();
  });
  run([&](net::Shard&) -> Task<void> { co_await connection->close(); });
}

// What libnats has of a connection is used by all shards: none of them may find it freed.
TEST_F(TwoShardsTest, RefusesWhatIsPublishedWhileItCloses) {
  constexpr int kRounds = 20;
  for (int round = 0; round < kRounds; ++round) {
    std::shared_ptr<Connection> connection;
    run([&](net::Shard& shard) -> Task<void> { connection = co_await connect(shard); });
    std::latch publishing(1);
    std::optional<Error> refusal;
    std::latch refused(1);
    (*group_)[1].post([&] {
      for (bool told = false; !refusal; told = true) {
        const auto published = connection->publish("x", asBytes("x"));
        // Too much waits: the home shard has its turn to write in a moment.
        if (!published && !connection->connected()) refusal = published.error();
        if (!told) publishing.count_down();
      }
      EXPECT_FALSE(connection->publish("x", asBytes("x")));
      refused.count_down();
    });
    publishing.wait();
    run([&](net::Shard&) -> Task<void> { co_await connection->close(); });
    refused.wait();
    EXPECT_EQ(refusal->code(), ErrorCode::kUnavailable);
    run([&](net::Shard& shard) -> Task<void> {
      Inbox inbox;
      const auto subscribed = connection->subscribe(shard, {.subject = "x"}, inbox);
      EXPECT_FALSE(subscribed);
      if (!subscribed) EXPECT_EQ(subscribed.error().code(), ErrorCode::kUnavailable);
      const auto flushed = co_await connection->flush(shard, seconds(10));
      EXPECT_FALSE(flushed);
      if (!flushed) EXPECT_EQ(flushed.error().code(), ErrorCode::kUnavailable);
    });
    EXPECT_EQ(connection->bufferedBytes(), 0u);
  }
}

TEST_F(TwoShardsTest, LosesWhatASubscriberDoesNotTakeAndSaysSo) {
  std::shared_ptr<Connection> connection;
  run([&](net::Shard& shard) -> Task<void> { connection = co_await connect(shard); });
  Inbox inbox;
  std::unique_ptr<Subscription> subscription;
  group_->runTask(1, [&](net::Shard& shard) -> Task<void> {
    const SubscribeOptions options{.subject = "x", .max_waiting_messages = 10};
    subscription = std::move(*connection->subscribe(shard, options, inbox));
    EXPECT_TRUE(co_await connection->flush(shard, seconds(10)));
  });
  // The second shard is busy while the first one receives.
  std::latch received(1);
  (*group_)[1].post([&] { received.wait(); });
  run([&](net::Shard& shard) -> Task<void> {
    Inbox witness;
    auto seen = connection->subscribe(shard, {.subject = "x"}, witness);
    for (int index = 0; index < 50; ++index) EXPECT_TRUE(connection->publish("x", asBytes("x")));
    co_await witness.has(50);
    EXPECT_TRUE(co_await connection->flush(shard, seconds(10)));  // the others have been told too
    seen->reset();
  });
  received.count_down();
  group_->runTask(1, [&](net::Shard&) -> Task<void> {
    while (inbox.losses.empty()) co_await inbox.news();
    EXPECT_EQ(inbox.messages.size(), 10u);
    EXPECT_EQ(inbox.losses.size(), 1u);
    EXPECT_EQ(inbox.losses[0].code(), ErrorCode::kResourceExhausted);
    subscription = nullptr;
  });
  run([&](net::Shard&) -> Task<void> { co_await connection->close(); });
}

}  // namespace
}  // namespace nimbus::nats
