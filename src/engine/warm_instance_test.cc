#include "engine/warm_instance.h"

#include "engine/test_support.h"

namespace nimbus::engine {
namespace {

using Kind = CallOutcome::Kind;

struct FakeOwner final : WarmInstance::Owner {
  void onPolled(WarmInstance&, Duration cpu, Duration used) override {
    ++polls;
    total += cpu;
    stretch = used;
  }
  void onEnded(WarmInstance& instance) override {
    EXPECT_TRUE(instance.ended());
    ended.set();
  }
  int polls = 0;
  Duration total{};
  Duration stretch{};
  Event ended;
};

class WarmInstanceTest : public GuestTest {
 protected:
  // What one test does with an instance of the guest.
  using Body =
      std::move_only_function<Task<void>(net::Shard&, std::unique_ptr<WarmInstance>&, FakeOwner&)>;
  void withInstance(const Bytes& wasm, Body body) {
    startEngine();
    const auto component = load(wasm);
    run([&](net::Shard& shard) -> Task<void> {
      Poller poller(shard);
      const auto context = makeContext(shard);
      FakeOwner owner;
      auto instance = std::make_unique<WarmInstance>(poller, component, *context, 1, owner);
      co_await body(shard, instance, owner);
    });
    EXPECT_EQ(engine_->guestMemoryBytes(), 0);
  }
};

Task<int> statusOf(Exchange& exchange) {
  const CallOutcome outcome = co_await outcomeOf(exchange);
  EXPECT_EQ(outcome.kind, Kind::kOk) << outcome.message;
  co_return exchange.head() == nullptr ? 0 : exchange.head()->status;
}

TEST_F(WarmInstanceTest, OneInstanceServesCallAfterCall) {
  withInstance(countingGuest(),
               [](net::Shard& shard, std::unique_ptr<WarmInstance>& instance,
                  FakeOwner& owner) -> Task<void> {
                 const auto first = makeExchange();
                 instance->submit(*first);
                 EXPECT_EQ(first->head(), nullptr) << "no guest code runs inside of submit";
                 EXPECT_EQ(co_await statusOf(*first), 200);
                 EXPECT_EQ(first->takeContent().text, "hello");
                 co_await settle(shard);
                 const auto second = makeExchange();
                 instance->submit(*second);
                 EXPECT_EQ(co_await statusOf(*second), 201) << "it remembers the first call";
                 EXPECT_FALSE(instance->ended());
                 EXPECT_GT(owner.total, Duration::zero());
               });
}

TEST_F(WarmInstanceTest, CallsThatComeTogetherAreServedInTurn) {
  withInstance(countingGuest(),
               [](net::Shard&, std::unique_ptr<WarmInstance>& instance, FakeOwner&) -> Task<void> {
                 const auto first = makeExchange();
                 const auto second = makeExchange();
                 instance->submit(*first);
                 instance->submit(*second);
                 EXPECT_EQ(co_await statusOf(*second), 201);
                 EXPECT_EQ(co_await statusOf(*first), 200);
               });
}

TEST_F(WarmInstanceTest, ATrapEndsTheInstanceAndCallsBehindItNeverStarted) {
  withInstance(
      countingGuest(),
      [](net::Shard&, std::unique_ptr<WarmInstance>& instance, FakeOwner& owner) -> Task<void> {
        std::vector<std::unique_ptr<Exchange>> calls;
        for (int i = 0; i < 5; ++i) instance->submit(*calls.emplace_back(makeExchange()));
        EXPECT_EQ(co_await statusOf(*calls[1]), 201);
        co_await owner.ended.wait();
        const CallOutcome trapped = co_await outcomeOf(*calls[2]);
        EXPECT_EQ(trapped.kind, Kind::kTrap);
        EXPECT_NE(trapped.message.find("third_call"), std::string::npos) << trapped.message;
        EXPECT_EQ((co_await outcomeOf(*calls[3])).kind, Kind::kNotStarted);
        EXPECT_EQ((co_await outcomeOf(*calls[4])).kind, Kind::kNotStarted);

        // One that comes too late hears it when the instance goes.
        const auto late = makeExchange();
        instance->submit(*late);
        instance.reset();
        EXPECT_EQ((co_await outcomeOf(*late)).kind, Kind::kNotStarted);
      });
}

TEST_F(WarmInstanceTest, WithoutARoomForItTheFirstCallIsToldWhy) {
  withInstance(
      handlerGuest("(memory 2000) (func (export \"handle\") (param i32 i32))"),
      [](net::Shard&, std::unique_ptr<WarmInstance>& instance, FakeOwner& owner) -> Task<void> {
        const auto first = makeExchange();
        const auto second = makeExchange();
        instance->submit(*first);
        instance->submit(*second);
        co_await owner.ended.wait();
        EXPECT_EQ((co_await outcomeOf(*first)).kind, Kind::kResources);
        EXPECT_EQ((co_await outcomeOf(*second)).kind, Kind::kNotStarted);
      });
}

TEST_F(WarmInstanceTest, OneThatIsKeptKnowsWhichOfItsCallsEndedIt) {
  withInstance(
      countingGuest(),
      [](net::Shard&, std::unique_ptr<WarmInstance>& instance, FakeOwner& owner) -> Task<void> {
        instance->keep(WarmInstance::Beside::kNothing);
        std::vector<std::unique_ptr<Exchange>> calls;
        for (int i = 0; i < 4; ++i) instance->submit(*calls.emplace_back(makeExchange()));
        co_await owner.ended.wait();
        EXPECT_EQ((co_await outcomeOf(*calls[2])).kind, Kind::kTrap);
        EXPECT_EQ((co_await outcomeOf(*calls[3])).kind, Kind::kNotStarted);
        EXPECT_EQ(instance->keptOutcome().kind, Kind::kCollateral);
        EXPECT_NE(instance->keptOutcome().message.find("unreachable"), std::string::npos);
      });
}

TEST_F(WarmInstanceTest, OneThatIsKeptIsToldWhyThereIsNoRoomForIt) {
  withInstance(
      handlerGuest("(memory 2000) (func (export \"handle\") (param i32 i32))"),
      [](net::Shard&, std::unique_ptr<WarmInstance>& instance, FakeOwner& owner) -> Task<void> {
        instance->keep(WarmInstance::Beside::kNothing);
        const auto call = makeExchange();
        instance->submit(*call);
        co_await owner.ended.wait();
        EXPECT_EQ(instance->keptOutcome().kind, Kind::kResources);
        EXPECT_EQ((co_await outcomeOf(*call)).kind, Kind::kNotStarted);
      });
}

TEST_F(WarmInstanceTest, AnExpiredCallIsAnsweredBeforeItsGuestIsDone) {
  withInstance(
      countingGuest(),
      [](net::Shard& shard, std::unique_ptr<WarmInstance>& instance, FakeOwner&) -> Task<void> {
        const auto call = makeExchange();
        instance->submit(*call);
        call->expire({Kind::kTimeout, 0, "late"});
        EXPECT_EQ(call->outcome()->kind, Kind::kTimeout);
        EXPECT_FALSE(call->released());
        while (!call->released()) co_await settle(shard);
        EXPECT_EQ(call->outcome()->kind, Kind::kTimeout) << "the first one counts";
        EXPECT_EQ(call->head(), nullptr) << "nobody waits for it";
        const auto next = makeExchange();
        instance->submit(*next);
        EXPECT_EQ(co_await statusOf(*next), 200) << "the guest had not begun with the other";
      });
}

TEST_F(WarmInstanceTest, ACallThatExpiresOnceItsResponseIsCompleteMayBeReadToItsEnd) {
  withInstance(
      lingeringGuest(),
      [](net::Shard& shard, std::unique_ptr<WarmInstance>& instance, FakeOwner&) -> Task<void> {
        const auto call = makeExchange();
        instance->submit(*call);
        while (!call->ended()) co_await settle(shard);
        EXPECT_EQ(call->outcome(), nullptr) << "the guest goes on";
        call->expire({Kind::kTimeout, 0, "late"});
        EXPECT_EQ(call->takeContent().text, "hello");
      });
}

TEST_F(WarmInstanceTest, ACallMayBeEndedAfterItsInstanceHasGone) {
  withInstance(countingGuest(),
               [](net::Shard&, std::unique_ptr<WarmInstance>& instance, FakeOwner&) -> Task<void> {
                 const auto call = makeExchange();
                 instance->submit(*call);
                 EXPECT_EQ(co_await statusOf(*call), 200);
                 instance.reset();
                 call->markExpired({Kind::kTimeout, 0, "late"});
                 EXPECT_EQ(call->outcome()->kind, Kind::kOk) << "the first one counts";
                 call->markAbandoned({Kind::kTimeout, 0, "late"});
                 EXPECT_EQ(call->takeContent().text, "hello");
               });
}

TEST_F(WarmInstanceTest, AClosedInstanceFinishesItsCallsAndEnds) {
  withInstance(
      countingGuest(),
      [](net::Shard&, std::unique_ptr<WarmInstance>& instance, FakeOwner& owner) -> Task<void> {
        const auto call = makeExchange();
        instance->submit(*call);
        instance->close();
        EXPECT_EQ(co_await statusOf(*call), 200);
        co_await owner.ended.wait();
        EXPECT_TRUE(instance->ended());
      });
}

TEST_F(WarmInstanceTest, AnIdleInstanceEndsWhenItIsClosed) {
  withInstance(countingGuest(),
               [](net::Shard& shard, std::unique_ptr<WarmInstance>& instance,
                  FakeOwner& owner) -> Task<void> {
                 co_await settle(shard);
                 EXPECT_FALSE(instance->ended());
                 instance->close();
                 co_await owner.ended.wait();
               });
}

TEST_F(WarmInstanceTest, DestroyingItTellsTheCallsThatWereOnIt) {
  withInstance(spinningGuest(1),
               [](net::Shard& shard, std::unique_ptr<WarmInstance>& instance,
                  FakeOwner& owner) -> Task<void> {
                 const auto running = makeExchange();
                 const auto waiting = makeExchange();
                 const auto given_up = makeExchange();
                 instance->submit(*running);
                 instance->submit(*waiting);
                 instance->submit(*given_up);
                 while (owner.polls < 2) co_await settle(shard);
                 given_up->abandon({Kind::kTimeout, 0, "late"});
                 instance.reset();
                 EXPECT_EQ((co_await outcomeOf(*running)).kind, Kind::kCollateral);
                 EXPECT_EQ((co_await outcomeOf(*waiting)).kind, Kind::kNotStarted);
                 EXPECT_EQ((co_await outcomeOf(*given_up)).kind, Kind::kTimeout);
                 EXPECT_FALSE(owner.ended.isSet()) << "the owner knows";
               });
}

TEST_F(WarmInstanceTest, ACallMayGoBeforeItsInstanceAnswers) {
  withInstance(
      countingGuest(),
      [](net::Shard& shard, std::unique_ptr<WarmInstance>& instance, FakeOwner&) -> Task<void> {
        auto gone = makeExchange();
        instance->submit(*gone);
        gone.reset();
        const auto next = makeExchange();
        instance->submit(*next);
        EXPECT_EQ(co_await statusOf(*next), 200) << "the guest had not begun with the other";
        co_await settle(shard);
      });
}

Task<void> endInstance(Exchange* call, std::unique_ptr<WarmInstance>* instance) {
  (void)co_await outcomeOf(*call);
  instance->reset();
}

TEST_F(WarmInstanceTest, AnAnsweredCallMayDestroyTheInstance) {
  withInstance(countingGuest(),
               [](net::Shard&, std::unique_ptr<WarmInstance>& instance, FakeOwner&) -> Task<void> {
                 const auto first = makeExchange();
                 const auto second = makeExchange();
                 TaskSet tasks;
                 tasks.spawn(endInstance(first.get(), &instance));
                 tasks.spawn(endInstance(second.get(), &instance));
                 instance->submit(*first);
                 instance->submit(*second);
                 co_await tasks.empty();
                 EXPECT_EQ(instance, nullptr);
               });
}

TEST_F(WarmInstanceTest, HowLongAGuestHasRunWithoutWaitingIsKnown) {
  withInstance(spinningGuest(),
               [](net::Shard& shard, std::unique_ptr<WarmInstance>& instance,
                  FakeOwner& owner) -> Task<void> {
                 co_await settle(shard);
                 EXPECT_EQ(owner.stretch, Duration::zero()) << "an idle instance waits";
                 const auto call = makeExchange();
                 instance->submit(*call);
                 while (owner.stretch < std::chrono::milliseconds(10)) co_await settle(shard);
               });
}

}  // namespace
}  // namespace nimbus::engine
