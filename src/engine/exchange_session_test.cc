#include "engine/component_invoker.h"
#include "engine/test_support.h"

namespace nimbus::engine {
namespace {

using Kind = CallOutcome::Kind;
using std::chrono::milliseconds;

// One shard's poller and context.
class TestEnvironment final : public GuestEnvironment {
 public:
  TestEnvironment(Poller& poller, std::unique_ptr<GuestContext> context)
      : poller_(poller), context_(std::move(context)) {}
  Poller& poller(net::Shard& /*shard*/) override { return poller_; }
  const GuestContext& context(net::Shard& /*shard*/) override { return *context_; }

 private:
  Poller& poller_;
  std::unique_ptr<GuestContext> context_;
};

class ExchangeSessionTest : public GuestTest {
 protected:
  using Body = std::function<Task<void>(net::Shard&, std::unique_ptr<ExchangeSession>&)>;
  void withSession(const Bytes& wasm, Body body, ComponentInvokerOptions options = {}) {
    startEngine();
    const auto component = load(wasm);
    run([&](net::Shard& shard) -> Task<void> {
      Poller poller(shard);
      const auto environment = std::make_shared<TestEnvironment>(poller, makeContext(shard));
      ComponentInvoker invoker(component, environment, options, *log_);
      auto session = invoker.openForExchanges(shard);
      co_await body(shard, session);
    });
    EXPECT_EQ(engine_->guestMemoryBytes(), 0);
  }
};

using Session = std::unique_ptr<ExchangeSession>;

// "200", or how it ended otherwise.
Task<std::string> answerOf(Exchange& exchange) {
  const CallOutcome outcome = co_await outcomeOf(exchange);
  if (outcome.kind != Kind::kOk) co_return std::string(outcomeName(outcome.kind));
  co_return exchange.head() == nullptr ? "no head" : std::to_string(exchange.head()->status);
}

// The guest that counts answers 200, then 201, and traps in its third call.

TEST_F(ExchangeSessionTest, ExchangesAreServedInTurnByOneInstance) {
  withSession(countingGuest(), [](net::Shard&, Session& session) -> Task<void> {
    EXPECT_FALSE(session->lives()) << "not before the first call";
    const auto first = makeExchange();
    const auto second = makeExchange();
    EXPECT_TRUE(session->submit(*first));
    EXPECT_TRUE(session->submit(*second));
    EXPECT_EQ(first->head(), nullptr) << "no guest code runs inside of submit";
    EXPECT_TRUE(session->inUse());
    EXPECT_EQ(co_await answerOf(*second), "201");
    EXPECT_EQ(co_await answerOf(*first), "200");
    EXPECT_EQ(first->takeContent().text, "hello");
    EXPECT_TRUE(first->released());
    EXPECT_TRUE(session->lives());
    EXPECT_FALSE(session->inUse());
  });
}

TEST_F(ExchangeSessionTest, ATrapEndsTheInstanceAndWhatWaitsHasNotStarted) {
  withSession(countingGuest(), [](net::Shard&, Session& session) -> Task<void> {
    std::vector<std::unique_ptr<Exchange>> exchanges;
    for (int i = 0; i < 4; ++i)
      EXPECT_TRUE(session->submit(*exchanges.emplace_back(makeExchange())));
    EXPECT_EQ(co_await answerOf(*exchanges[2]), "trap");
    EXPECT_EQ(co_await answerOf(*exchanges[3]), "not-started");
    EXPECT_FALSE(session->lives());
    const auto next = makeExchange();
    EXPECT_TRUE(session->submit(*next));
    EXPECT_EQ(co_await answerOf(*next), "200") << "a new instance has it";
  });
}

TEST_F(ExchangeSessionTest, OneThatTakesTooLongEndsAnInstanceThatItCannotLeave) {
  withSession(spinningGuest(),
              [](net::Shard&, Session& session) -> Task<void> {
                const auto busy = makeExchange();
                const auto waiting = makeExchange();
                EXPECT_TRUE(session->submit(*busy));
                EXPECT_TRUE(session->submit(*waiting));
                EXPECT_EQ(co_await answerOf(*busy), "timeout");
                EXPECT_EQ(co_await answerOf(*waiting), "timeout");
                EXPECT_TRUE(busy->released());
                EXPECT_FALSE(session->lives());
              },
              {.time_limit = milliseconds(20)});
}

TEST_F(ExchangeSessionTest, OneThatNeverGotItsTurnIsForgottenWhenItsTimeIsUp) {
  withSession(spinningGuest(),
              [](net::Shard& shard, Session& session) -> Task<void> {
                const auto busy = makeExchange();
                auto waiting = makeExchange();
                EXPECT_TRUE(session->submit(*busy));
                while (!busy->started()) co_await settle(shard);
                busy->expire({Kind::kTimeout, 0, "late"});
                EXPECT_TRUE(session->submit(*waiting));
                EXPECT_EQ(co_await answerOf(*waiting), "timeout");
                // Within the notification, before the next poll.
                waiting.reset();
                const auto next = makeExchange();
                EXPECT_TRUE(session->submit(*next));
                EXPECT_TRUE(session->lives()) << "who waited for the busy one gave it up itself";
                EXPECT_EQ(co_await answerOf(*next), "timeout");
              },
              {.time_limit = milliseconds(20)});
}

TEST_F(ExchangeSessionTest, OneThatUsesUpItsCpuTimeEndsTheInstance) {
  withSession(spinningGuest(),
              [](net::Shard&, Session& session) -> Task<void> {
                const auto busy = makeExchange();
                EXPECT_TRUE(session->submit(*busy));
                EXPECT_EQ(co_await answerOf(*busy), "cpu-limit");
                EXPECT_FALSE(session->lives());
              },
              {.cpu_limit = milliseconds(20)});
}

TEST_F(ExchangeSessionTest, TheEndOfTheSessionIsThatOfItsExchanges) {
  withSession(spinningGuest(), [](net::Shard& shard, Session& session) -> Task<void> {
    const auto busy = makeExchange();
    const auto waiting = makeExchange();
    EXPECT_TRUE(session->submit(*busy));
    EXPECT_TRUE(session->submit(*waiting));
    while (!busy->started()) co_await settle(shard);
    session.reset();
    EXPECT_EQ(co_await answerOf(*busy), "collateral");
    EXPECT_EQ(co_await answerOf(*waiting), "not-started");
  });
}

TEST_F(ExchangeSessionTest, OneWhoseClientHasGoneIsServedToItsEnd) {
  withSession(countingGuest(), [](net::Shard&, Session& session) -> Task<void> {
    const auto gone = makeExchange();
    EXPECT_TRUE(session->submit(*gone));
    gone->discard();
    const auto next = makeExchange();
    EXPECT_TRUE(session->submit(*next));
    EXPECT_EQ(co_await answerOf(*next), "201");
    EXPECT_TRUE(gone->released());
  });
}

}  // namespace
}  // namespace nimbus::engine
