#include "host/calls/service_pool.h"

#include <gmock/gmock.h>

#include "host/calls/pool_test_support.h"

namespace nimbus::host {
namespace {

using engine::CallOutcome;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class ServicePoolTest : public engine::GuestTest {
 protected:
  using Body = std::function<Task<void>(PoolRig*, ServicePool*)>;
  void withPool(const Bytes& wasm, CallPolicy policy, Body body) {
    startEngine();
    const auto component = load(wasm);
    run([&](net::Shard& shard) -> Task<void> {
      const auto context = makeContext(shard);
      ServicePool* pool = nullptr;
      PoolRig rig(shard, component, *context, policy, [&](PoolEnvironment environment) {
        auto made = std::make_unique<ServicePool>(std::move(environment));
        pool = made.get();
        return made;
      });
      co_await body(&rig, pool);
      co_await rig.drain();
      EXPECT_TRUE(pool->isLast());
      EXPECT_EQ(rig.counters().instances, 0U);
      EXPECT_EQ(rig.counters().in_flight, 0U);
    });
    EXPECT_EQ(engine_->guestMemoryBytes(), 0);
  }
};

// Runs the pool's instance once and keeps how it ended.
struct OneRun {
  explicit OneRun(ServicePool* pool, ServicePool::Absence absence = {.reason = "it has ended"}) {
    tasks.spawn(keep(this, pool, std::move(absence)));
  }
  static Task<void> keep(OneRun* self, ServicePool* pool, ServicePool::Absence absence) {
    self->outcome = co_await pool->run([self] { self->began = true; });
    pool->setAbsence(std::move(absence));
  }
  bool began = false;
  std::optional<CallOutcome> outcome;
  TaskSet tasks;
};

Task<void> drain(PoolRig* rig) { co_await rig->drain(); }

// The guest that counts answers 200, then 201, and traps in its third call.

TEST_F(ServicePoolTest, OneInstanceServesUntilItFails) {
  withPool(
      engine::countingGuest(), patientPolicy(), [](PoolRig* rig, ServicePool* pool) -> Task<void> {
        EXPECT_EQ(co_await rig->askOnce(), "503");
        EXPECT_THAT(rig->answers().back().told, HasSubstr("retry-after"));
        OneRun run(pool);
        for (int i = 0; i < 5; ++i) rig->ask();
        EXPECT_THAT(co_await rig->statuses(), ElementsAre("503", "200", "201", "500", "503", "503"))
            << "what waits behind the failure is told that there is no service";
        EXPECT_EQ(rig->answers().back().told, "503 [13] retry-after 1 {it has ended\n} end");
        co_await run.tasks.empty();
        EXPECT_EQ(run.outcome->kind, CallOutcome::Kind::kCollateral);
        EXPECT_THAT(run.outcome->message, HasSubstr("unreachable"));
        EXPECT_EQ(co_await rig->askOnce(), "503");
      });
}

TEST_F(ServicePoolTest, TheNextRunBeginsAnew) {
  withPool(engine::countingGuest(), patientPolicy(),
           [](PoolRig* rig, ServicePool* pool) -> Task<void> {
             OneRun first(pool);
             for (int i = 0; i < 3; ++i) rig->ask();
             co_await first.tasks.empty();
             OneRun second(pool);
             rig->ask();
             EXPECT_THAT(co_await rig->statuses(), ElementsAre("200", "201", "500", "200"));
           });
}

TEST_F(ServicePoolTest, OneThatDoesNotComeBackIsNotToBeAskedAgain) {
  withPool(engine::countingGuest(), patientPolicy(),
           [](PoolRig* rig, ServicePool* pool) -> Task<void> {
             pool->setAbsence({.reason = "it has failed", .comes_back = false});
             EXPECT_EQ(co_await rig->askOnce(), "503");
             EXPECT_THAT(rig->answers().back().told,
                         testing::AllOf(HasSubstr("it has failed"), Not(HasSubstr("retry-after"))));
           });
}

TEST_F(ServicePoolTest, WhatWaitsWhenItEndsForGoodIsNotToBeAskedAgainEither) {
  withPool(engine::countingGuest(), patientPolicy(),
           [](PoolRig* rig, ServicePool* pool) -> Task<void> {
             OneRun run(pool, {.reason = "it has failed", .comes_back = false});
             for (int i = 0; i < 4; ++i) rig->ask();
             EXPECT_THAT(co_await rig->statuses(), ElementsAre("200", "201", "500", "503"));
             EXPECT_EQ(rig->answers().back().told, "503 [14] {it has failed\n} end");
           });
}

TEST_F(ServicePoolTest, WithoutRoomForAnInstanceItNeverBegan) {
  withPool(engine::countingGuest(), patientPolicy(),
           [](PoolRig* rig, ServicePool* pool) -> Task<void> {
             rig->takeInstances();
             OneRun run(pool);
             EXPECT_EQ(run.outcome->kind, CallOutcome::Kind::kResources);
             EXPECT_FALSE(run.began);
             co_return;
           });
}

TEST_F(ServicePoolTest, GivingUpTheRunEndsTheInstance) {
  withPool(engine::spinningGuest(), patientPolicy(),
           [](PoolRig* rig, ServicePool* pool) -> Task<void> {
             {
               OneRun run(pool);
               rig->ask();
               co_await rig->untilInstances(1);
               run.tasks.cancelAll();
             }
             EXPECT_THAT(co_await rig->statuses(), ElementsAre("502"));
             co_await rig->untilInstances(0);
           });
}

// With a window of one byte a response is complete only once its client has begun to read it.

CallPolicy impatientPolicy() {
  CallPolicy policy = patientPolicy();
  policy.timeout = milliseconds(200);  // in which a guest that is ready also answers
  policy.collateral_grace = milliseconds(1);
  return policy;
}

TEST_F(ServicePoolTest, AClientThatReadsSlowlyIsCutOffWithItsResponseAlone) {
  CallPolicy policy = impatientPolicy();
  policy.window_bytes = 1;
  policy.queue_timeout = milliseconds(600);
  withPool(engine::countingGuest(), policy, [](PoolRig* rig, ServicePool* pool) -> Task<void> {
    OneRun run(pool);
    FakeResponse* const slow = co_await rig->askAndHold();
    rig->ask();
    while (!rig->answers().back().headSent()) co_await rig->settle();
    PoolRig::letGo(*slow);
    EXPECT_THAT(co_await rig->statuses(), ElementsAre("200", "503"));
    EXPECT_EQ(slow->told, "200 {hello} abort");
    EXPECT_EQ(co_await rig->askOnce(), "201");
    EXPECT_FALSE(run.outcome) << "the guest was done as soon as nobody waited for it";
  });
}

TEST_F(ServicePoolTest, AClientThatReadsACompleteResponseSlowlyHoldsNothing) {
  withPool(engine::countingGuest(), impatientPolicy(),
           [](PoolRig* rig, ServicePool* pool) -> Task<void> {
             OneRun run(pool);
             FakeResponse* const slow = co_await rig->askAndHold();
             rig->ask();
             while (!rig->answers().back().headSent()) co_await rig->settle();
             EXPECT_FALSE(run.outcome);
             PoolRig::letGo(*slow);
             EXPECT_THAT(co_await rig->statuses(), ElementsAre("200", "201"));
             EXPECT_EQ(slow->told, "200 [5] {hello} end");
           });
}

TEST_F(ServicePoolTest, RequestsThatTakeTooLongEndItOnlyWhenTheyHaveAllItsPlaces) {
  withPool(engine::spinningGuest(), impatientPolicy(),
           [](PoolRig* rig, ServicePool* pool) -> Task<void> {
             OneRun run(pool);
             EXPECT_EQ(co_await rig->askOnce(), "504");
             co_await run.tasks.empty();
             EXPECT_EQ(run.outcome->kind, CallOutcome::Kind::kTimeout);
             co_await rig->untilInstances(0);
           });
}

TEST_F(ServicePoolTest, ItIsKeptForItsGrace) {
  CallPolicy policy = patientPolicy();
  policy.timeout = milliseconds(20);
  withPool(engine::spinningGuest(), policy, [](PoolRig* rig, ServicePool* pool) -> Task<void> {
    OneRun run(pool);
    EXPECT_EQ(co_await rig->askOnce(), "504");
    EXPECT_EQ(rig->counters().instances, 1U) << "the service is kept for its grace";
    EXPECT_FALSE(run.outcome);
    run.tasks.cancelAll();
    co_await rig->untilInstances(0);
  });
}

TEST_F(ServicePoolTest, ComputingForTooLongUnderARequestEndsIt) {
  CallPolicy policy = patientPolicy();
  policy.cpu_limit = milliseconds(20);
  withPool(engine::spinningGuest(), policy, [](PoolRig* rig, ServicePool* pool) -> Task<void> {
    OneRun run(pool);
    EXPECT_EQ(co_await rig->askOnce(), "504");
    co_await run.tasks.empty();
    EXPECT_EQ(run.outcome->kind, CallOutcome::Kind::kCpuLimit);
    EXPECT_THAT(run.outcome->message, HasSubstr("cpuLimit"));
  });
}

TEST_F(ServicePoolTest, DrainingAnswersWhatIsHereAndEndsTheRun) {
  withPool(engine::countingGuest(), patientPolicy(),
           [](PoolRig* rig, ServicePool* pool) -> Task<void> {
             OneRun run(pool);
             rig->ask();
             rig->ask();
             EXPECT_EQ(rig->counters().in_flight, 1U);
             EXPECT_EQ(rig->counters().queued, 1U);
             co_await rig->drain();
             EXPECT_THAT(co_await rig->statuses(), ElementsAre("200", "201"));
             co_await run.tasks.empty();
           });
}

TEST_F(ServicePoolTest, WhileItDrainsItIsTheLast) {
  withPool(engine::spinningGuest(), patientPolicy(),
           [](PoolRig* rig, ServicePool* pool) -> Task<void> {
             OneRun run(pool);
             rig->ask();
             TaskSet draining;
             draining.spawn(drain(rig));
             EXPECT_TRUE(pool->isLast());
             run.tasks.cancelAll();
             co_await draining.empty();
             EXPECT_THAT(co_await rig->statuses(), ElementsAre("502"));
           });
}

TEST_F(ServicePoolTest, DrainingDoesNotWaitForGuestsWhoseRequestsTookTooLong) {
  withPool(engine::spinningGuest(), impatientPolicy(),
           [](PoolRig* rig, ServicePool* pool) -> Task<void> {
             OneRun run(pool);
             rig->ask();
             co_await rig->drain();
             EXPECT_THAT(co_await rig->statuses(), ElementsAre("504"));
             co_await run.tasks.empty();
             EXPECT_EQ(run.outcome->kind, CallOutcome::Kind::kTimeout);
           });
}

}  // namespace
}  // namespace nimbus::host
