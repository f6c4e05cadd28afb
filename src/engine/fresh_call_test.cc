#include "engine/fresh_call.h"

#include <sys/resource.h>
#include <unistd.h>

#include <fstream>

#include "base/check.h"
#include "engine/test_support.h"

namespace nimbus::engine {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Kind = CallOutcome::Kind;

constexpr Duration kPlentyOfTime = seconds(60);
constexpr std::uint64_t kPageBytes = 64 << 10;

class FreshCallTest : public GuestTest {
 protected:
  void SetUp() override {
    GuestTest::SetUp();
    startEngine();
  }

  // One call to its end.
  CallOutcome call(const Bytes& wasm, GuestContextOptions options = roomyContext()) {
    const auto component = load(wasm);
    CallOutcome ended;
    run([&](net::Shard& shard) -> Task<void> {
      Poller poller(shard);
      const auto context = makeContext(shard, options);
      FreshCall call(poller, component, *context, makeExchange(), kPlentyOfTime);
      call.poll();
      ended = co_await outcomeOf(call.exchange());
      EXPECT_EQ(call.exchange().head(), nullptr);
    });
    return ended;
  }
};

TEST_F(FreshCallTest, AnswersWithHeadContentAndEnd) {
  const auto component = load(countingGuest());
  run([&](net::Shard& shard) -> Task<void> {
    Poller poller(shard);
    const auto context = makeContext(shard);
    for (int round = 0; round < 3; ++round) {
      FreshCall call(poller, component, *context, makeExchange(), kPlentyOfTime);
      EXPECT_EQ(call.exchange().head(), nullptr) << "no guest code runs before the first poll";
      call.poll();
      const CallOutcome outcome = co_await outcomeOf(call.exchange());
      EXPECT_EQ(outcome.kind, Kind::kOk) << outcome.message;
      EXPECT_TRUE(call.done());
      EXPECT_TRUE(call.exchange().ended());
      EXPECT_GT(call.cpuTime(), Duration::zero());
      const auto* head = call.exchange().head();
      EXPECT_EQ(head == nullptr ? 0 : head->status, 200) << "each call has an instance of its own";
      EXPECT_EQ(call.exchange().takeContent().text, "hello");
      EXPECT_FALSE(call.exchange().hasContent());
    }
  });
  EXPECT_EQ(engine_->guestMemoryBytes(), 0);
}

TEST_F(FreshCallTest, ContentWaitsForCredit) {
  const auto component = load(countingGuest());
  run([&](net::Shard& shard) -> Task<void> {
    Poller poller(shard);
    const auto context = makeContext(shard);
    FreshCall call(poller, component, *context, makeExchange(false, 0), kPlentyOfTime);
    call.poll();
    co_await settle(shard);
    EXPECT_NE(call.exchange().head(), nullptr);
    EXPECT_FALSE(call.exchange().hasContent());
    EXPECT_EQ(call.exchange().outcome(), nullptr);
    call.exchange().grant(5);
    while (!call.exchange().hasContent()) {
      call.exchange().changed().clear();
      co_await call.exchange().changed().wait();
    }
    EXPECT_EQ(call.exchange().takeContent().text, "hello");
    call.exchange().grant(1);
    EXPECT_EQ((co_await outcomeOf(call.exchange())).kind, Kind::kOk);
  });
}

TEST_F(FreshCallTest, NobodyReadingLetsTheGuestFinish) {
  const auto component = load(countingGuest());
  run([&](net::Shard& shard) -> Task<void> {
    Poller poller(shard);
    const auto context = makeContext(shard);
    FreshCall call(poller, component, *context, makeExchange(false, 0), kPlentyOfTime);
    call.poll();
    call.exchange().discard();
    EXPECT_EQ((co_await outcomeOf(call.exchange())).kind, Kind::kOk);
    EXPECT_FALSE(call.exchange().hasContent());
  });
}

TEST_F(FreshCallTest, ATrapComesWithItsBacktrace) {
  const CallOutcome outcome =
      call(handlerGuest("(func $boom unreachable)"
                        "(func $outer (export \"handle\") (param i32 i32) (call $boom))"));
  EXPECT_EQ(outcome.kind, Kind::kTrap);
  EXPECT_NE(outcome.message.find("unreachable"), std::string::npos) << outcome.message;
  EXPECT_LT(outcome.message.find("boom"), outcome.message.find("outer")) << outcome.message;
}

TEST_F(FreshCallTest, ATrapAtInstantiationIsATrap) {
  const CallOutcome outcome =
      call(handlerGuest("(func $start unreachable) (start $start)"
                        "(func (export \"handle\") (param i32 i32))"));
  EXPECT_EQ(outcome.kind, Kind::kTrap);
}

TEST_F(FreshCallTest, RecursionWithoutEndIsATrap) {
  const CallOutcome outcome =
      call(handlerGuest("(func $again (export \"handle\") (param i32 i32)"
                        " (call $again (local.get 0) (local.get 1)))"));
  EXPECT_EQ(outcome.kind, Kind::kTrap);
  EXPECT_NE(outcome.message.find("stack"), std::string::npos) << outcome.message;
}

TEST_F(FreshCallTest, ReturningWithoutAnAnswerIsNoResponse) {
  const CallOutcome outcome = call(handlerGuest("(func (export \"handle\") (param i32 i32))"));
  EXPECT_EQ(outcome.kind, Kind::kNoResponse);
}

Task<void> countTurns(net::Shard* shard, int* turns) {
  while (true) {
    auto next = std::make_shared<Event>();  // this ends while it is posted
    shard->post([next] { next->set(); });
    co_await next->wait();
    ++*turns;
  }
}

TEST_F(FreshCallTest, ASpinningGuestIsEndedAtItsLimitAndTheShardRunsOn) {
  const auto component = load(spinningGuest());
  run([&](net::Shard& shard) -> Task<void> {
    Poller poller(shard);
    const auto context = makeContext(shard);
    FreshCall call(poller, component, *context, makeExchange(), milliseconds(60));
    int turns = 0;
    TaskSet others;
    others.spawn(countTurns(&shard, &turns));
    call.poll();
    const CallOutcome outcome = co_await outcomeOf(call.exchange());
    EXPECT_EQ(outcome.kind, Kind::kCpuLimit);
    EXPECT_GT(call.cpuTime(), milliseconds(60));
    EXPECT_LT(call.cpuTime(), seconds(2)) << "the guest yields within a tick";
    EXPECT_GT(turns, 2) << "other work ran meanwhile";
    EXPECT_FALSE(call.done());

    const Duration when_ended = call.cpuTime();
    co_await settle(shard);
    EXPECT_EQ(call.cpuTime(), when_ended) << "an abandoned guest does not run on";
  });
}

TEST_F(FreshCallTest, AnAbandonedCallReportsWhatItsOwnerSaid) {
  const auto component = load(spinningGuest());
  run([&](net::Shard& shard) -> Task<void> {
    Poller poller(shard);
    const auto context = makeContext(shard);
    FreshCall call(poller, component, *context, makeExchange(true), kPlentyOfTime);
    call.poll();
    EXPECT_EQ(call.exchange().outcome(), nullptr);
    call.exchange().abandon({Kind::kTimeout, 0, "late"});
    EXPECT_EQ((co_await outcomeOf(call.exchange())).message, "late");
    EXPECT_TRUE(call.exchange().bodyUnwanted());
  });
}

TEST_F(FreshCallTest, DestroyingACallEndsItsGuestAndGivesBackItsMemory) {
  const auto component = load(spinningGuest(2));
  run([&](net::Shard& shard) -> Task<void> {
    Poller poller(shard);
    const auto context = makeContext(shard);
    for (int round = 0; round < 10; ++round) {
      FreshCall call(poller, component, *context, makeExchange(true), kPlentyOfTime);
      call.exchange().pushBody(Bytes::copyOf("content"));
      call.poll();
      EXPECT_EQ(engine_->guestMemoryBytes(), 2 * kPageBytes);
    }
    const FreshCall never_polled(poller, component, *context, makeExchange(), kPlentyOfTime);
    co_await settle(shard);
  });
  EXPECT_EQ(engine_->guestMemoryBytes(), 0);
}

TEST_F(FreshCallTest, AnInstanceCannotGrowBeyondItsMemoryLimit) {
  GuestContextOptions small = roomyContext();
  small.max_memory_bytes = 4 * kPageBytes;
  const CallOutcome grown = call(handlerGuest(R"((memory 1)
    (func (export "handle") (param i32 i32)
      (if (i32.ne (memory.grow (i32.const 3)) (i32.const 1)) (then (return)))  ;; the last it may
      (if (i32.ne (memory.grow (i32.const 1)) (i32.const -1)) (then (return)))
      unreachable))"),
                                 small);
  EXPECT_EQ(grown.kind, Kind::kTrap);
  EXPECT_NE(grown.message.find("the instance's memory limit"), std::string::npos) << grown.message;

  const CallOutcome too_large =
      call(handlerGuest("(memory 5) (func (export \"handle\") (param i32 i32))"), small);
  EXPECT_EQ(too_large.kind, Kind::kResources);
  EXPECT_EQ(engine_->guestMemoryBytes(), 0);
}

TEST_F(FreshCallTest, AllInstancesTogetherStayWithinTheHostsMemory) {
  EngineOptions options = smallEngine();
  options.max_total_memory_bytes = 3 * kPageBytes;
  startEngine(options);
  const auto component = load(spinningGuest(2));
  run([&](net::Shard& shard) -> Task<void> {
    Poller poller(shard);
    const auto context = makeContext(shard);
    auto first =
        std::make_unique<FreshCall>(poller, component, *context, makeExchange(), kPlentyOfTime);
    first->poll();
    EXPECT_EQ(first->exchange().outcome(), nullptr);
    FreshCall second(poller, component, *context, makeExchange(), kPlentyOfTime);
    second.poll();
    const CallOutcome refused = co_await outcomeOf(second.exchange());
    EXPECT_EQ(refused.kind, Kind::kResources);
    EXPECT_NE(refused.message.find("the host's memory limit"), std::string::npos)
        << refused.message;
    first.reset();
    FreshCall third(poller, component, *context, makeExchange(), kPlentyOfTime);
    third.poll();
    EXPECT_EQ(third.exchange().outcome(), nullptr) << "what one gave back another may have";
  });
}

TEST_F(FreshCallTest, AFullPoolRefusesTheCall) {
  EngineOptions options = smallEngine();
  options.max_instances = 1;
  startEngine(options);
  const auto component = load(spinningGuest());
  run([&](net::Shard& shard) -> Task<void> {
    Poller poller(shard);
    const auto context = makeContext(shard);
    FreshCall first(poller, component, *context, makeExchange(), kPlentyOfTime);
    first.poll();
    FreshCall second(poller, component, *context, makeExchange(), kPlentyOfTime);
    second.poll();
    const CallOutcome refused = co_await outcomeOf(second.exchange());
    EXPECT_EQ(refused.kind, Kind::kResources) << refused.message;
    EXPECT_EQ(first.exchange().outcome(), nullptr);
  });
}

// The process may have so much more address space.
class AddressSpaceLimit {
 public:
  explicit AddressSpaceLimit(std::uint64_t more_bytes) {
    std::uint64_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    NIMBUS_CHECK(pages != 0 && ::getrlimit(RLIMIT_AS, &before_) == 0);
    rlimit tight = before_;
    tight.rlim_cur = pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) + more_bytes;
    NIMBUS_CHECK(::setrlimit(RLIMIT_AS, &tight) == 0);
  }
  ~AddressSpaceLimit() { ::setrlimit(RLIMIT_AS, &before_); }
  AddressSpaceLimit(const AddressSpaceLimit&) = delete;
  AddressSpaceLimit& operator=(const AddressSpaceLimit&) = delete;

 private:
  rlimit before_{};
};

TEST_F(FreshCallTest, WithoutAddressSpaceThereIsNoInstance) {
  {
    const AddressSpaceLimit limit(1 << 30);  // no room for a memory and its guards
    startEngine();                           // without a pool, for the same reason
    const CallOutcome refused =
        call(handlerGuest("(memory 1) (func (export \"handle\") (param i32 i32))"));
    EXPECT_EQ(refused.kind, Kind::kResources) << refused.message;
    const CallOutcome trapped = call(handlerGuest(
        "(func $start unreachable) (start $start) (func (export \"handle\") (param i32 i32))"));
    EXPECT_EQ(trapped.kind, Kind::kTrap) << trapped.message;
  }
  const CallOutcome served =
      call(handlerGuest("(memory 1) (func (export \"handle\") (param i32 i32))"));
  EXPECT_EQ(served.kind, Kind::kNoResponse) << served.message;
}

TEST_F(FreshCallTest, TheFullEngineServesTheSameGuests) {
  EngineOptions options = smallEngine();
  options.selection = EngineOptions::Selection::kAlwaysFull;
  startEngine(options);
  EXPECT_EQ(call(handlerGuest("(func (export \"handle\") (param i32 i32) unreachable)")).kind,
            Kind::kTrap);
  EXPECT_EQ(call(handlerGuest("(func (export \"handle\") (param i32 i32))")).kind,
            Kind::kNoResponse);
}

TEST(Exchange, RefusesAHeadThatNoGuestCouldRead) {
  http::RequestHead head;
  head.method = "GET";
  head.path = "/";
  head.authority = "a b";
  const auto made = Exchange::create(head, false, 0);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace nimbus::engine
