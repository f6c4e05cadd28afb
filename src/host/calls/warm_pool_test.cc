#include "host/calls/warm_pool.h"

#include <gmock/gmock.h>

#include "host/calls/pool_test_support.h"

namespace nimbus::host {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::StartsWith;

struct Size {
  std::uint32_t warm = 1;  // 0: a pool of fresh instances
  std::uint32_t queue = 100;
};

class WarmPoolTest : public engine::GuestTest {
 protected:
  using Body = std::function<Task<void>(PoolRig*)>;
  // Runs the body with a pool of that guest; drains it afterwards.
  void withPool(const Bytes& wasm, CallPolicy policy, Size size, Body body) {
    startEngine();
    const auto component = load(wasm);
    policy.max_queue = size.queue;
    run([&](net::Shard& shard) -> Task<void> {
      const auto context = makeContext(shard);
      PoolRig rig(shard, component, *context, policy, [&](PoolEnvironment environment) {
        return size.warm == 0 ? makeFreshPool(std::move(environment))
                              : makeWarmPool(std::move(environment), size.warm);
      });
      co_await body(&rig);
      co_await rig.drain();
      EXPECT_EQ(rig.counters().instances, 0U);
      EXPECT_EQ(rig.counters().in_flight, 0U);
      EXPECT_EQ(rig.counters().queued, 0U);
    });
    EXPECT_EQ(engine_->guestMemoryBytes(), 0);
  }
};

// The guest that counts answers 200, then 201, and traps in its third call.

TEST_F(WarmPoolTest, AnInstanceIsKeptAndServesCallAfterCall) {
  withPool(engine::countingGuest(), patientPolicy(), {}, [](PoolRig* rig) -> Task<void> {
    rig->ask();
    rig->ask();
    EXPECT_THAT(co_await rig->statuses(), ElementsAre("200", "201"));
    EXPECT_EQ(rig->counters().instances, 1U);
  });
}

TEST_F(WarmPoolTest, AClientThatReadsSlowlyHoldsTheInstanceNoLongerThanACallMayTake) {
  CallPolicy policy = patientPolicy();
  policy.timeout = milliseconds(200);
  withPool(engine::countingGuest(), policy, {}, [](PoolRig* rig) -> Task<void> {
    FakeResponse* const slow = co_await rig->askAndHold();
    rig->ask();
    FakeResponse& next = rig->answers().back();
    co_await PoolRig::untilEnd(&next);
    EXPECT_THAT(next.told, StartsWith("201")) << "the same instance serves it";
    PoolRig::letGo(*slow);
    EXPECT_THAT(co_await rig->statuses(), ElementsAre("200", "201"));
    EXPECT_EQ(slow->told, "200 [5] {hello} end");
  });
}

TEST_F(WarmPoolTest, AClientMayReadForLongerThanTheInstanceLives) {
  CallPolicy policy = patientPolicy();
  policy.timeout = milliseconds(200);
  withPool(engine::countingGuest(), policy, {}, [](PoolRig* rig) -> Task<void> {
    FakeResponse* const slow = co_await rig->askAndHold();
    rig->endCalls();
    co_await rig->untilInstances(0);
    PoolRig::letGo(*slow);
    co_await rig->statuses();
    EXPECT_EQ(slow->told, "200 [5] {hello} end");
  });
}

// Nothing of a response is granted to its guest until its client has read some of it.
CallPolicy slowReadersPolicy() {
  CallPolicy policy = patientPolicy();
  policy.window_bytes = 1;
  policy.timeout = milliseconds(500);
  policy.collateral_grace = milliseconds(10);
  return policy;
}

TEST_F(WarmPoolTest, AClientThatReadsSlowlyHoldsNoInstanceOnceItsCallIsOutOfTime) {
  for (const std::uint32_t warm : {1U, 0U}) {
    const auto body = [](PoolRig* rig) -> Task<void> {
      rig->takeInstances();
      rig->giveInstances(1);
      FakeResponse* const slow = co_await rig->askAndHold();
      rig->ask();
      EXPECT_EQ(rig->counters().queued, 1U) << "there is no other instance";
      FakeResponse& next = rig->answers().back();
      co_await PoolRig::untilEnd(&next);
      EXPECT_EQ(next.told, "200 {hello} end");
      EXPECT_EQ(slow->told, "200");
      PoolRig::letGo(*slow);
      co_await rig->statuses();
      EXPECT_EQ(slow->told, "200 {hello} abort") << "what had come, and that it is not all";
      EXPECT_THAT(rig->logged(), testing::HasSubstr("the call took longer than its limit"));
    };
    withPool(engine::countingGuest(), slowReadersPolicy(), {.warm = warm}, body);
  }
}

TEST_F(WarmPoolTest, AnUploadDoesNotOutliveTheInstanceThatItWasFor) {
  withPool(engine::countingGuest(), slowReadersPolicy(), {.warm = 0},
           [](PoolRig* rig) -> Task<void> {
             FakeBody upload;
             FakeResponse* const slow = co_await rig->askAndHold(&upload);
             co_await rig->untilInstances(0);
             EXPECT_EQ(upload.reading, 0U);
             upload.add("more");
             PoolRig::letGo(*slow);
             co_await rig->statuses();
             EXPECT_EQ(slow->told, "200 {hello} abort");
           });
}

TEST_F(WarmPoolTest, AClientMayReadACompleteResponseOnceItsCallIsOutOfTime) {
  for (const std::uint32_t warm : {1U, 0U}) {
    CallPolicy policy = slowReadersPolicy();
    policy.window_bytes = 1024;
    const auto body = [](PoolRig* rig) -> Task<void> {
      FakeResponse* const slow = co_await rig->askAndHold();
      co_await rig->untilInstances(0);
      PoolRig::letGo(*slow);
      co_await rig->statuses();
      EXPECT_THAT(slow->told, testing::AllOf(StartsWith("200"), testing::EndsWith("{hello} end")));
    };
    withPool(engine::lingeringGuest(), policy, {.warm = warm}, body);
  }
}

TEST_F(WarmPoolTest, AClientMayReadWhatAGuestThatHasEndedAnsweredOnceItsTimeIsOver) {
  CallPolicy policy = slowReadersPolicy();
  policy.window_bytes = 1024;
  withPool(engine::countingGuest(), policy, {.warm = 0}, [](PoolRig* rig) -> Task<void> {
    FakeResponse* const slow = co_await rig->askAndHold();
    co_await rig->untilInstances(0);
    PoolRig::letGo(*slow);
    co_await rig->statuses();
    EXPECT_EQ(slow->told, "200 [5] {hello} end");
    EXPECT_EQ(rig->logged(), "");
  });
}

TEST_F(WarmPoolTest, AClientThatReadsSlowlyMayGoOnceItsCallIsOutOfTime) {
  for (const std::uint32_t warm : {1U, 0U}) {
    const auto body = [](PoolRig* rig) -> Task<void> {
      co_await rig->askAndHold();
      co_await rig->untilInstances(0);
      rig->leave();
    };
    withPool(engine::countingGuest(), slowReadersPolicy(), {.warm = warm}, body);
  }
}

TEST_F(WarmPoolTest, ItEndsAfterItsInvocations) {
  CallPolicy policy = patientPolicy();
  policy.max_invocations = 2;
  withPool(engine::countingGuest(), policy, {}, [](PoolRig* rig) -> Task<void> {
    for (int i = 0; i < 5; ++i) rig->ask();
    EXPECT_THAT(co_await rig->statuses(), ElementsAre("200", "201", "200", "201", "200"));
  });
}

TEST_F(WarmPoolTest, WhatWaitsBehindATrapGoesToAFreshInstance) {
  withPool(engine::countingGuest(), patientPolicy(), {}, [](PoolRig* rig) -> Task<void> {
    for (int i = 0; i < 7; ++i) rig->ask();
    EXPECT_THAT(co_await rig->statuses(),
                ElementsAre("200", "201", "500", "200", "201", "500", "200"));
    EXPECT_EQ(rig->counters().failures, 2U);
  });
}

TEST_F(WarmPoolTest, WhatWaitsWithoutAnInstanceHasTheNextThatIsFree) {
  withPool(engine::countingGuest(), patientPolicy(), {}, [](PoolRig* rig) -> Task<void> {
    rig->takeInstances();
    for (int i = 0; i < 3; ++i) rig->ask();
    co_await rig->settle();
    EXPECT_EQ(rig->counters().instances, 0U);
    EXPECT_EQ(rig->counters().queued, 3U);
    rig->giveInstances(3);
    EXPECT_THAT(co_await rig->statuses(), ElementsAre("200", "201", "500"));
  });
}

TEST_F(WarmPoolTest, CallsThatWaitAreNotAmongThoseAtWork) {
  withPool(engine::spinningGuest(), patientPolicy(), {}, [](PoolRig* rig) -> Task<void> {
    for (int i = 0; i < 4; ++i) rig->ask();
    EXPECT_EQ(rig->counters().in_flight, 1U);
    EXPECT_EQ(rig->counters().queued, 3U);
    rig->endCalls();
    EXPECT_THAT(co_await rig->statuses(), ElementsAre("503", "503", "503", "503"));
  });
}

TEST_F(WarmPoolTest, CallsThatWaitForRoomShareTheInstancesThatThereMayBe) {
  withPool(engine::countingGuest(), patientPolicy(), {}, [](PoolRig* rig) -> Task<void> {
    rig->takeInstances();
    rig->ask();
    rig->ask();
    rig->giveInstances(100);
    EXPECT_THAT(co_await rig->statuses(), ElementsAre("200", "201")) << "one after the other";
    EXPECT_EQ(rig->counters().instances, 1U);
  });
}

TEST_F(WarmPoolTest, CallsAtOnceAreSpreadOverAsManyInstancesAsThereMayBe) {
  withPool(engine::countingGuest(), patientPolicy(), {.warm = 2}, [](PoolRig* rig) -> Task<void> {
    for (int i = 0; i < 4; ++i) rig->ask();
    EXPECT_THAT(co_await rig->statuses(),
                testing::UnorderedElementsAre("200", "200", "201", "201"));
    EXPECT_EQ(rig->counters().instances, 2U);
  });
}

TEST_F(WarmPoolTest, AnIdleInstanceEnds) {
  CallPolicy policy = patientPolicy();
  policy.idle_timeout = milliseconds(1);
  withPool(engine::countingGuest(), policy, {}, [](PoolRig* rig) -> Task<void> {
    EXPECT_EQ(co_await rig->askOnce(), "200");
    co_await rig->untilInstances(0);
    EXPECT_EQ(co_await rig->askOnce(), "200");
  });
}

TEST_F(WarmPoolTest, ACallThatRunsOutOfTimeIsOverAndItsInstanceWithIt) {
  CallPolicy policy = patientPolicy();
  policy.timeout = milliseconds(20);
  withPool(engine::spinningGuest(), policy, {}, [](PoolRig* rig) -> Task<void> {
    EXPECT_EQ(co_await rig->askOnce(), "504");
    // Nobody else is on it: there is no grace to give.
    co_await rig->untilInstances(0);
    EXPECT_EQ(co_await rig->askOnce(), "504") << "a fresh one takes its place";
  });
}

TEST_F(WarmPoolTest, ACallThatUsesUpItsCpuTimeIsOver) {
  CallPolicy policy = patientPolicy();
  policy.cpu_limit = milliseconds(20);
  withPool(engine::spinningGuest(), policy, {}, [](PoolRig* rig) -> Task<void> {
    EXPECT_EQ(co_await rig->askOnce(), "504");
    co_await rig->untilInstances(0);
  });
}

TEST_F(WarmPoolTest, TheLogSaysWhereAGuestComputedThatALimitEnded) {
  for (const std::uint32_t warm : {1U, 0U}) {
    CallPolicy policy = patientPolicy();
    policy.cpu_limit = milliseconds(20);
    withPool(engine::spinningGuest(), policy, {.warm = warm}, [](PoolRig* rig) -> Task<void> {
      EXPECT_EQ(co_await rig->askOnce(), "504");
      EXPECT_THAT(rig->logged(), testing::ContainsRegex("the call used up its CPU time\n"
                                                        "wasm backtrace:\n +0: +0x"));
    });
  }
}

TEST_F(WarmPoolTest, ACallThatComputesForTooLongIsLoggedWithItsPlace) {
  for (const std::uint32_t warm : {1U, 0U}) {
    CallPolicy policy = patientPolicy();
    policy.timeout = milliseconds(20);
    policy.collateral_grace = milliseconds(10);
    withPool(engine::spinningGuest(), policy, {.warm = warm}, [](PoolRig* rig) -> Task<void> {
      EXPECT_EQ(co_await rig->askOnce(), "504");
      EXPECT_THAT(rig->logged(), testing::ContainsRegex("the call took longer than its limit\n"
                                                        "wasm backtrace:\n +0: +0x"));
    });
  }
}

TEST_F(WarmPoolTest, AnInstanceEndsWhoseCallsNobodyWaitsFor) {
  CallPolicy policy = patientPolicy();
  policy.collateral_grace = milliseconds(10);
  withPool(engine::spinningGuest(), policy, {}, [](PoolRig* rig) -> Task<void> {
    for (int round = 0; round < 2; ++round) {
      rig->ask();
      co_await rig->untilInstances(1);
      rig->leave();
      co_await rig->untilInstances(0);
    }
  });
}

TEST_F(WarmPoolTest, WhoWaitsHasThePlaceOfACallThatNobodyWaitsFor) {
  CallPolicy policy = patientPolicy();
  policy.collateral_grace = milliseconds(10);
  policy.timeout = seconds(1);
  withPool(engine::spinningGuest(), policy, {}, [](PoolRig* rig) -> Task<void> {
    rig->ask();
    co_await rig->untilInstances(1);
    rig->takeInstances();
    rig->leave();
    EXPECT_EQ(co_await rig->askOnce(), "504") << "it was on an instance, which took too long";
    rig->giveInstances(1);
  });
}

TEST_F(WarmPoolTest, AGuestMayWorkOnAfterACompleteResponse) {
  CallPolicy policy = patientPolicy();
  policy.collateral_grace = milliseconds(1);
  policy.timeout = seconds(1);
  withPool(engine::lingeringGuest(), policy, {}, [](PoolRig* rig) -> Task<void> {
    EXPECT_EQ(co_await rig->askOnce(), "200");
    co_await rig->pass(milliseconds(300));
    EXPECT_EQ(rig->counters().instances, 1U);
    co_await rig->untilInstances(0);
  });
}

TEST_F(WarmPoolTest, ACallThatNobodyWaitsForMayFinish) {
  CallPolicy policy = patientPolicy();
  policy.collateral_grace = seconds(10);
  withPool(engine::countingGuest(), policy, {}, [](PoolRig* rig) -> Task<void> {
    rig->ask();
    rig->leave();
    EXPECT_EQ(co_await rig->askOnce(), "201") << "its instance was kept";
  });
}

TEST_F(WarmPoolTest, AFullQueueRefusesAtOnce) {
  CallPolicy policy = patientPolicy();
  policy.timeout = milliseconds(50);
  withPool(engine::spinningGuest(), policy, {.queue = 1}, [](PoolRig* rig) -> Task<void> {
    for (int i = 0; i < 3; ++i) rig->ask();
    EXPECT_THAT(rig->answers()[2].told, StartsWith("503 "));
    EXPECT_THAT(rig->answers()[2].told, testing::HasSubstr("retry-after"));
    EXPECT_THAT(co_await rig->statuses(), ElementsAre("504", "504", "503"));
  });
}

TEST_F(WarmPoolTest, WaitingForAnInstanceHasABound) {
  CallPolicy policy = patientPolicy();
  policy.timeout = seconds(2);
  policy.queue_timeout = milliseconds(1);
  withPool(engine::spinningGuest(), policy, {}, [](PoolRig* rig) -> Task<void> {
    rig->ask();
    rig->ask();
    EXPECT_THAT(co_await rig->statuses(), ElementsAre("504", "503"));
  });
}

TEST_F(WarmPoolTest, EndingItEndsAllCallsAndBeginsNone) {
  for (const std::uint32_t warm : {1U, 0U}) {
    const auto body = [](PoolRig* rig) -> Task<void> {
      for (int i = 0; i < 3; ++i) rig->ask();
      rig->endCalls();
      rig->ask();
      EXPECT_THAT(co_await rig->statuses(), ElementsAre("503", "503", "503", "503"));
      co_await rig->untilInstances(0);
    };
    withPool(engine::spinningGuest(), patientPolicy(), {.warm = warm}, body);
  }
}

TEST_F(WarmPoolTest, EndingItEndsAnIdleInstance) {
  withPool(engine::countingGuest(), patientPolicy(), {}, [](PoolRig* rig) -> Task<void> {
    EXPECT_EQ(co_await rig->askOnce(), "200");
    rig->endCalls();
    co_await rig->untilInstances(0);
    EXPECT_EQ(co_await rig->askOnce(), "503");
  });
}

TEST_F(WarmPoolTest, DrainingLetsWhatRunsFinish) {
  withPool(engine::countingGuest(), patientPolicy(), {}, [](PoolRig* rig) -> Task<void> {
    rig->ask();
    co_await rig->drain();
    EXPECT_THAT(co_await rig->statuses(), ElementsAre("200"));
  });
}

}  // namespace
}  // namespace nimbus::host
