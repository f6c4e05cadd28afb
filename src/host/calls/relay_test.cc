#include "host/calls/relay.h"

#include "host/http_test_support.h"
#include "host/test_support.h"

namespace nimbus::host {
namespace {

using engine::CallOutcome;
using engine::Exchange;
using Kind = CallOutcome::Kind;

constexpr std::uint64_t kWindowBytes = 10;

std::unique_ptr<Exchange> makeExchange() {
  http::RequestHead head;
  head.method = "POST";
  head.authority = "guest.test";
  head.path = "/";
  auto made = Exchange::create(head, true, kWindowBytes);
  EXPECT_TRUE(made) << made.error().describe();
  return std::move(*made);
}

class RelayTest : public ShardTest {};

TEST_F(RelayTest, ContentIsReadOnlyAsFarAsTheGuestLetsIt) {
  run([](net::Shard& shard) -> Task<void> {
    FakeBody body;
    for (const char* piece : {"12345", "67890", "more", "and more"}) body.add(piece);
    RequestContent content(&body);
    const auto exchange = makeExchange();
    TaskSet feeding;
    feeding.spawn(content.feed(*exchange, kWindowBytes));
    co_await settle(shard);
    EXPECT_EQ(exchange->unconsumedBytes(), 10);
    EXPECT_EQ(body.unread(), 2);
  });
}

TEST_F(RelayTest, ACallThatNeverStartedIsGivenAllItsContentAgain) {
  run([](net::Shard& shard) -> Task<void> {
    FakeBody body;
    body.add("123");
    body.add("45");
    RequestContent content(&body);
    for (int attempt = 0; attempt < 3; ++attempt) {
      const auto exchange = makeExchange();
      TaskSet feeding;
      feeding.spawn(content.feed(*exchange, kWindowBytes));
      EXPECT_EQ(exchange->unconsumedBytes(), 5) << "attempt " << attempt;
      exchange->abandon({Kind::kNotStarted, 0, ""});
    }
    // A piece that comes later goes to whoever is there then, behind the others.
    const auto last = makeExchange();
    TaskSet feeding;
    feeding.spawn(content.feed(*last, kWindowBytes));
    body.add("6");
    EXPECT_EQ(last->unconsumedBytes(), 6);
    body.end();
    EXPECT_EQ(feeding.size(), 0);
    co_await settle(shard);
  });
}

TEST_F(RelayTest, AGuestThatWantsNoContentEndsTheReading) {
  run([](net::Shard& shard) -> Task<void> {
    FakeBody body;
    body.add("0123456789");
    body.add("more");
    RequestContent content(&body);
    const auto exchange = makeExchange();
    TaskSet feeding;
    feeding.spawn(content.feed(*exchange, kWindowBytes));
    EXPECT_EQ(feeding.size(), 1);
    exchange->abandon({Kind::kTimeout, 0, ""});
    EXPECT_EQ(feeding.size(), 0);
    EXPECT_EQ(body.unread(), 1);
    co_await settle(shard);
  });
}

TEST_F(RelayTest, AFailureBeforeTheHeadIsReportedAndNothingSent) {
  run([](net::Shard&) -> Task<void> {
    RequestContent none(nullptr);
    EXPECT_TRUE(none.empty());
    FakeResponse response;
    const auto exchange = makeExchange();
    exchange->abandon({Kind::kTrap, 0, "boom"});
    const RelayResult result = co_await relay(none, *exchange, response, kWindowBytes);
    EXPECT_EQ(result.end, RelayEnd::kFailed);
    EXPECT_FALSE(result.head_sent);
    EXPECT_EQ(response.told, "");
  });
}

TEST_F(RelayTest, EndsWithTheCallWhileItsContentIsStillOpen) {
  run([](net::Shard& shard) -> Task<void> {
    FakeBody body;
    RequestContent content(&body);
    FakeResponse response;
    const auto exchange = makeExchange();
    shard.post([&] { exchange->abandon({Kind::kTimeout, 0, ""}); });
    const RelayResult result = co_await relay(content, *exchange, response, kWindowBytes);
    EXPECT_EQ(result.end, RelayEnd::kFailed);
    EXPECT_EQ(body.reading, 0) << "the read is cancelled with the relay";
  });
}

std::string answerOf(Kind kind) {
  FakeResponse response;
  answerFailure(response, {kind, 0, "a secret of the guest"}, false);
  EXPECT_EQ(response.told.find("secret"), std::string::npos) << response.told;
  return response.told;
}

TEST(AnswerFailure, TheStatusSaysWhoIsToBlame) {
  EXPECT_TRUE(answerOf(Kind::kTrap).starts_with("500"));
  EXPECT_TRUE(answerOf(Kind::kNoResponse).starts_with("500"));
  EXPECT_TRUE(answerOf(Kind::kErrorCode).starts_with("500"));
  EXPECT_TRUE(answerOf(Kind::kExit).starts_with("500"));
  EXPECT_TRUE(answerOf(Kind::kHostFailure).starts_with("500"));
  EXPECT_TRUE(answerOf(Kind::kCollateral).starts_with("502"));
  EXPECT_TRUE(answerOf(Kind::kTimeout).starts_with("504"));
  EXPECT_TRUE(answerOf(Kind::kCpuLimit).starts_with("504"));
}

TEST(AnswerFailure, OverloadAsksTheClientToComeBack) {
  EXPECT_TRUE(answerOf(Kind::kResources).starts_with("503"));
  EXPECT_NE(answerOf(Kind::kResources).find("retry-after 1"), std::string::npos);
  EXPECT_NE(answerOf(Kind::kNotStarted).find("retry-after 1"), std::string::npos);
}

TEST(AnswerFailure, AResponseThatHasBegunIsCutOff) {
  FakeResponse response;
  answerFailure(response, {Kind::kTrap, 0, ""}, true);
  EXPECT_EQ(response.told, " abort");
}

}  // namespace
}  // namespace nimbus::host
