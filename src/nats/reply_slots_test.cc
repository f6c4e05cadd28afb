#include "nats/reply_slots.h"

#include "base/sync.h"
#include "nats/test_server.h"
#include "net/test_support.h"

namespace nimbus::nats {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Answers what it is asked with the same text, unless that is "silence".
class Echo final : public Subscriber {
 public:
  explicit Echo(Connection& connection) : connection_(connection) {}
  void received(Message message) override {
    replies.emplace_back(message.reply());
    if (asText(message.payload()) == "silence") return;
    EXPECT_TRUE(connection_.publish(std::string(message.reply()), message.payload()));
  }
  void noResponders() override {}
  void lost(Error) override {}

  std::vector<std::string> replies;

 private:
  Connection& connection_;
};

class ReplySlotsTest : public net::ShardTest {
 protected:
  // A task with a connection, an echo at "echo" and slots.
  void with(std::function<Task<void>(net::Shard&, Echo&, std::shared_ptr<ReplySlots>)> body,
            std::size_t max_slots = 16) {
    run([&](net::Shard& shard) -> Task<void> {
      auto connection = co_await Connection::connect(shard, {.servers = {server_.url()}}, *logger_);
      EXPECT_TRUE(connection);
      Echo echo(**connection);
      auto subscription = (*connection)->subscribe(shard, {.subject = "echo"}, echo);
      co_await body(shard, echo, std::make_shared<ReplySlots>(*connection, shard, max_slots));
      subscription->reset();
      co_await (*connection)->close();
    });
  }

  TestServer server_;
  std::unique_ptr<Logger> logger_ = makeNullLogger();
};

Task<Result<Message>> ask(std::shared_ptr<ReplySlots> slots, std::string text,
                          Duration timeout = seconds(10)) {
  return request(std::move(slots), "echo", Bytes::take(std::move(text)), timeout);
}

TEST_F(ReplySlotsTest, DeliversAnAnswer) {
  with([](net::Shard&, Echo&, std::shared_ptr<ReplySlots> slots) -> Task<void> {
    const auto answer = co_await ask(slots, "hello");
    EXPECT_TRUE(answer);
    EXPECT_EQ(asText(answer->payload()), "hello");
    EXPECT_EQ(slots->takenCount(), 0u);
  });
}

TEST_F(ReplySlotsTest, AssignsTheWordThatNobodyListens) {
  with([](net::Shard& shard, Echo&, std::shared_ptr<ReplySlots> slots) -> Task<void> {
    TaskSet tasks;
    bool answered = false;
    const auto other = [](std::shared_ptr<ReplySlots> of, bool* done) -> Task<void> {
      EXPECT_TRUE(co_await ask(of, "answered"));
      *done = true;
    };
    tasks.spawn(other(slots, &answered));
    const auto answer = co_await request(slots, "nobody", Bytes(), seconds(10));
    EXPECT_FALSE(answer);
    EXPECT_EQ(answer.error().code(), ErrorCode::kNotFound);
    co_await tasks.empty();
    EXPECT_TRUE(answered);
    (void)shard;
  });
}

TEST_F(ReplySlotsTest, UsesOneSubscriptionForManyCalls) {
  with([](net::Shard&, Echo& echo, std::shared_ptr<ReplySlots> slots) -> Task<void> {
    for (int call = 0; call < 3; ++call) EXPECT_TRUE(co_await ask(slots, "x"));
    const auto withoutCount = [](std::string subject) {
      return subject.substr(0, subject.rfind('.'));
    };
    EXPECT_EQ(withoutCount(echo.replies[0]), withoutCount(echo.replies[2]));
    EXPECT_NE(echo.replies[0], echo.replies[2]);
  });
}

// A late word that nobody listens must not meet the next call.
TEST_F(ReplySlotsTest, LeavesASlotThatWasNeverAnswered) {
  with([](net::Shard&, Echo& echo, std::shared_ptr<ReplySlots> slots) -> Task<void> {
    const auto silence = co_await ask(slots, "silence", milliseconds(20));
    EXPECT_FALSE(silence);
    EXPECT_EQ(silence.error().code(), ErrorCode::kDeadlineExceeded);
    EXPECT_TRUE(co_await ask(slots, "x"));
    EXPECT_EQ(echo.replies.size(), 2u);
    EXPECT_NE(echo.replies[0].substr(0, echo.replies[0].rfind('.')),
              echo.replies[1].substr(0, echo.replies[1].rfind('.')));
  });
}

TEST_F(ReplySlotsTest, IsLimited) {
  with(
      [](net::Shard&, Echo&, std::shared_ptr<ReplySlots> slots) -> Task<void> {
        TaskSet tasks;
        const auto other = [](std::shared_ptr<ReplySlots> of) -> Task<void> {
          EXPECT_TRUE(co_await ask(of, "x"));
        };
        tasks.spawn(other(slots));
        const auto second = co_await ask(slots, "x");
        EXPECT_FALSE(second);
        EXPECT_EQ(second.error().code(), ErrorCode::kResourceExhausted);
        co_await tasks.empty();
      },
      1);
}

}  // namespace
}  // namespace nimbus::nats
