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
        auto made = std::make_unique<ServicePool>(std::move(environment), 100);
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
  explicit OneRun(ServicePool* pool) { tasks.spawn(keep(pool, &outcome)); }
  static Task<void> keep(ServicePool* pool, std::optional<CallOutcome>* outcome) {
    *outcome = co_await pool->run();
  }
  std::optional<CallOutcome> outcome;
  TaskSet tasks;
};

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

TEST_F(ServicePoolTest, RequestsThatTakeTooLongEndItOnlyWhenTheyHaveAllItsPlaces) {
  CallPolicy policy = patientPolicy();
  policy.timeout = milliseconds(20);
  policy.collateral_grace = milliseconds(1);
  withPool(engine::spinningGuest(), policy, [](PoolRig* rig, ServicePool* pool) -> Task<void> {
    OneRun run(pool);
    EXPECT_EQ(co_await rig->askOnce(), "504");
    co_await run.tasks.empty();
    EXPECT_EQ(run.outcome->kind, CallOutcome::Kind::kTimeout);
    co_await rig->untilInstances(0);
  });
}

TEST_F(ServicePoolTest, OneThatIsBackInTimeIsKept) {
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

TEST_F(ServicePoolTest, DrainingLetsWhatRunsFinishAndEndsTheRun) {
  withPool(engine::countingGuest(), patientPolicy(),
           [](PoolRig* rig, ServicePool* pool) -> Task<void> {
             OneRun run(pool);
             rig->ask();
             co_await rig->drain();
             EXPECT_THAT(co_await rig->statuses(), ElementsAre("200"));
             co_await run.tasks.empty();
           });
}

}  // namespace
}  // namespace nimbus::host
