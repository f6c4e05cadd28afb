// Several changes of one workload at the same time.

#include <gmock/gmock.h>

#include <tuple>

#include "host/control/workload_manager_fixture.h"

namespace nimbus::host {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Rig = ManagerRig;
using Wait = WorkloadManager::Wait;

class WorkloadManagerOrderTest : public ShardTest {};

TEST_F(WorkloadManagerOrderTest, ANewerApplyTakesThePlaceOfOneThatIsBeingPrepared) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    rig.runtime.hold = true;
    PendingApply first(rig.apply(makeSpec("a", "/1")));
    PendingApply second(rig.apply(makeSpec("a", "/2")));
    EXPECT_EQ(first.value->error().code(), ErrorCode::kCancelled);
    EXPECT_EQ(first.value->error().message(),
              "superseded by a newer change of the workload \"default/a\"");
    EXPECT_EQ(rig.runtime.preparing, 1U);
    rig.runtime.letGo();
    co_await second.tasks.empty();
    EXPECT_EQ((*second.value)->serving_generation, 2U);
    EXPECT_THAT(rig.takeCalls(), ElementsAre("prepare default/a", "prepare default/a",
                                             "swap nothing -> default/a#2"));
  });
}

TEST_F(WorkloadManagerOrderTest, ARemovalDoesNotWaitForWhatIsBeingPrepared) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    rig.runtime.hold = true;
    PendingApply starting(rig.apply(makeSpec("a", "/shop")));
    EXPECT_TRUE(co_await rig.manager->remove("default/a", WorkloadOwner::kApi));
    EXPECT_EQ(starting.value->error().code(), ErrorCode::kCancelled);
    EXPECT_EQ(rig.runtime.preparing, 0U);
    EXPECT_EQ(rig.manager->size(), 0U);
    EXPECT_EQ(rig.manager->counts().starting, 0U);
    rig.runtime.hold = false;
    EXPECT_TRUE(co_await rig.apply(makeSpec("b", "/shop"))) << "its route is free again";
    EXPECT_EQ((co_await rig.store->load()).size(), 1U);
  });
}

TEST_F(WorkloadManagerOrderTest, ARemovalTakesAlsoWhatServesWhileANewerOneIsBeingPrepared) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    co_await rig.apply(makeSpec("a", "/1"));
    rig.runtime.hold = true;
    std::ignore = co_await rig.apply(makeSpec("a", "/2"), Wait::kNo);
    rig.takeCalls();
    EXPECT_TRUE(co_await rig.manager->remove("default/a", WorkloadOwner::kApi));
    EXPECT_THAT(rig.takeCalls(), ElementsAre("swap default/a#1 -> nothing", "retire default/a#1"));
    EXPECT_THAT(co_await rig.store->load(), IsEmpty());
  });
}

TEST_F(WorkloadManagerOrderTest, WhatServesGoesOnWhateverIsSuperseded) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    co_await rig.apply(makeSpec("a", "/1"));
    rig.runtime.hold = true;
    std::ignore = co_await rig.apply(makeSpec("a", "/2"), Wait::kNo);
    std::ignore = co_await rig.apply(makeSpec("a", "/3", "/w/bad"), Wait::kNo);
    EXPECT_EQ(rig.manager->get("default/a")->state, WorkloadState::kRunning);
    EXPECT_EQ(rig.manager->get("default/a")->observed_generation, 1U);
    rig.runtime.hold = false;
    rig.runtime.letGo();
    co_await settle(shard);
    const auto status = rig.manager->get("default/a");
    EXPECT_EQ(status->observed_generation, 3U);
    EXPECT_EQ(status->serving_generation, 1U);
    EXPECT_TRUE(co_await rig.apply(makeSpec("b", "/2"))) << "that route was given back";
    EXPECT_FALSE(co_await rig.apply(makeSpec("c", "/1")));
  });
}

TEST_F(WorkloadManagerOrderTest, ToBeSupersededIsNoFailure) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    rig.runtime.hold = true;
    std::ignore = co_await rig.apply(makeSpec("a", "/1"), Wait::kNo);
    std::ignore = co_await rig.apply(makeSpec("a", "/2"), Wait::kNo);
    EXPECT_EQ(rig.manager->get("default/a")->state, WorkloadState::kStarting);
    EXPECT_EQ(rig.manager->get("default/a")->reason, "");
    EXPECT_EQ(rig.manager->get("default/a")->observed_generation, 0U);
    EXPECT_TRUE(co_await rig.manager->remove("default/a", WorkloadOwner::kApi));
    std::vector<std::string> kinds;
    for (std::uint64_t i = 0; i < rig.events.newest(); ++i) {
      const EventLog::Item item = co_await rig.events.next(i);
      kinds.emplace_back(eventKindName(std::get<HostEvent>(item).kind));
    }
    EXPECT_THAT(kinds, ElementsAre("starting", "starting", "stopping", "removed"));
    EXPECT_THAT(rig.metrics.renderPrometheus(),
                HasSubstr("nimbus_workload_applies_total{result=\"failed\"} 0"));
  });
}

// Whoever was superseded asks for something else at once.
Task<void> applyTwice(Rig* rig, std::optional<Result<WorkloadStatus>>* second) {
  const auto first = co_await rig->apply(makeSpec("a", "/1"));
  EXPECT_EQ(first.error().code(), ErrorCode::kCancelled);
  *second = co_await rig->apply(makeSpec("a", "/3"));
}

TEST_F(WorkloadManagerOrderTest, TheNewestChangeWinsWhoeverWaitedForWhichOne) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    rig.runtime.hold = true;
    std::optional<Result<WorkloadStatus>> newest;
    TaskSet tasks;
    tasks.spawn(applyTwice(&rig, &newest));
    PendingApply between(rig.apply(makeSpec("a", "/2")));
    EXPECT_EQ(between.value->error().code(), ErrorCode::kCancelled);
    EXPECT_EQ(rig.runtime.preparing, 1U);
    rig.runtime.letGo();
    co_await tasks.empty();
    EXPECT_EQ((*newest)->serving_generation, 3U);
    EXPECT_EQ((*newest)->spec->routes[0].path, "/3");
  });
}

TEST_F(WorkloadManagerOrderTest, StoppingGivesUpWhatIsBeingPrepared) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    rig.runtime.hold = true;
    PendingApply starting(rig.apply(makeSpec("a")));
    co_await rig.manager->stopAll(std::chrono::seconds(1));
    EXPECT_EQ(starting.value->error().code(), ErrorCode::kUnavailable);
    EXPECT_EQ(rig.runtime.preparing, 0U);
  });
}

// A store that writes only when it may.
class SlowStore final : public WorkloadStore {
 public:
  Event may_write;
  bool keeps = false;  // what is to be removed
  Task<std::vector<StoredWorkload>> load() override { return inner_->load(); }
  Task<Result<void>> save(StoredWorkload workload) override {
    co_await may_write.wait();
    co_return co_await inner_->save(std::move(workload));
  }
  Task<Result<void>> remove(std::string id) override {
    if (keeps) co_return fail(ErrorCode::kIo, "the disk is full");
    co_return co_await inner_->remove(std::move(id));
  }
  Result<std::uint64_t> nextGeneration() override { return inner_->nextGeneration(); }
  bool durable() const override { return true; }

 private:
  const std::unique_ptr<WorkloadStore> inner_ = makeMemoryWorkloadStore();
};

// A manager that has one apply under way, which is prepared and about to take effect.
struct SavingRig : Rig {
  explicit SavingRig(net::Shard& on) : Rig(on) {
    auto made = std::make_unique<SlowStore>();
    slow = made.get();
    store = std::move(made);
    make({});
    first.emplace(apply(makeSpec("a", "/1")));
  }
  SlowStore* slow;
  std::optional<PendingApply> first;
};

TEST_F(WorkloadManagerOrderTest, WhatIsAboutToTakeEffectDoesSoBeforeANewerChange) {
  run([](net::Shard& shard) -> Task<void> {
    SavingRig rig(shard);
    Pending<Result<void>> removal(rig.manager->remove("default/a", WorkloadOwner::kApi));
    EXPECT_FALSE(rig.first->value || removal.value);
    rig.slow->may_write.set();
    co_await removal.tasks.empty();
    EXPECT_TRUE(rig.first->value->has_value());
    EXPECT_TRUE(removal.value->has_value());
    EXPECT_THAT(rig.takeCalls(), ElementsAre("prepare default/a", "swap nothing -> default/a#1",
                                             "swap default/a#1 -> nothing", "retire default/a#1"));
    EXPECT_THAT(co_await rig.store->load(), IsEmpty());
  });
}

TEST_F(WorkloadManagerOrderTest, OnlyTheNewestOfSeveralQueuedChangesRuns) {
  run([](net::Shard& shard) -> Task<void> {
    SavingRig rig(shard);
    PendingApply second(rig.apply(makeSpec("a", "/2")));
    PendingApply third(rig.apply(makeSpec("a", "/3")));
    EXPECT_EQ(second.value->error().code(), ErrorCode::kCancelled);
    rig.slow->may_write.set();
    co_await third.tasks.empty();
    EXPECT_TRUE(rig.first->value->has_value());
    EXPECT_EQ((*third.value)->serving_generation, 3U);
    EXPECT_THAT(rig.takeCalls(),
                ElementsAre("prepare default/a", "swap nothing -> default/a#1", "prepare default/a",
                            "swap default/a#1 -> default/a#3", "retire default/a#1"));
  });
}

TEST_F(WorkloadManagerOrderTest, ARemovalSupersedesAQueuedApplyAndTheOtherWayRound) {
  run([](net::Shard& shard) -> Task<void> {
    SavingRig rig(shard);
    PendingApply second(rig.apply(makeSpec("a", "/2")));
    Pending<Result<void>> removal(rig.manager->remove("default/a", WorkloadOwner::kApi));
    EXPECT_EQ(second.value->error().code(), ErrorCode::kCancelled);
    PendingApply third(rig.apply(makeSpec("a", "/3")));
    EXPECT_EQ(removal.value->error().code(), ErrorCode::kCancelled);
    rig.slow->may_write.set();
    co_await third.tasks.empty();
    EXPECT_EQ((*third.value)->serving_generation, 3U);
  });
}

TEST_F(WorkloadManagerOrderTest, AfterARemovalThatFailedWhatServesCanBeAskedForAgain) {
  run([](net::Shard& shard) -> Task<void> {
    SavingRig rig(shard);
    rig.slow->keeps = true;
    PendingApply second(rig.apply(makeSpec("a", "/2")));
    Pending<Result<void>> removal(rig.manager->remove("default/a", WorkloadOwner::kApi));
    rig.slow->may_write.set();
    co_await removal.tasks.empty();
    EXPECT_EQ(removal.value->error().code(), ErrorCode::kIo);
    EXPECT_EQ(rig.manager->get("default/a")->observed_generation, 2U);
    EXPECT_EQ(rig.manager->get("default/a")->serving_generation, 1U);

    const auto again = co_await rig.apply(makeSpec("a", "/1"));
    EXPECT_EQ(again->serving_generation, 3U);
    EXPECT_EQ(again->spec->routes[0].path, "/1");
    EXPECT_EQ(again->reason, "");
  });
}

}  // namespace
}  // namespace nimbus::host
