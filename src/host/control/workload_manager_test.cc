#include "host/control/workload_manager.h"

#include <gmock/gmock.h>

#include "host/control/workload_manager_fixture.h"

namespace nimbus::host {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Rig = ManagerRig;
using Wait = WorkloadManager::Wait;

class WorkloadManagerTest : public ShardTest {};

TEST_F(WorkloadManagerTest, PreparesThenSwaps) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    const auto status = co_await rig.apply(makeSpec("a"));
    EXPECT_TRUE(status) << status.error().describe();
    EXPECT_EQ(status->state, WorkloadState::kRunning);
    EXPECT_EQ(status->generation, 1U);
    EXPECT_EQ(status->observed_generation, 1U);
    EXPECT_EQ(status->serving_generation, 1U);
    EXPECT_EQ(status->components.size(), 1U);
    EXPECT_THAT(rig.takeCalls(), ElementsAre("prepare default/a", "swap nothing -> default/a#1"));
  });
}

TEST_F(WorkloadManagerTest, RetiresTheOldGenerationAfterTheSwap) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    co_await rig.apply(makeSpec("a", "/x"));
    rig.takeCalls();
    const auto status = co_await rig.apply(makeSpec("a", "/y"));
    EXPECT_EQ(status->serving_generation, 2U);
    EXPECT_THAT(rig.takeCalls(), ElementsAre("prepare default/a", "swap default/a#1 -> default/a#2",
                                             "retire default/a#1"));
  });
}

TEST_F(WorkloadManagerTest, ApplyingWhatServesDoesNothing) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    co_await rig.apply(makeSpec("a"));
    rig.takeCalls();
    const auto status = co_await rig.apply(makeSpec("a"));
    EXPECT_EQ(status->generation, 1U);
    EXPECT_THAT(rig.takeCalls(), IsEmpty());
  });
}

TEST_F(WorkloadManagerTest, AReplacedComponentFileIsANewGeneration) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    const TemporaryFolder folder;
    folder.write("c.wasm", "one");
    co_await rig.apply(makeSpec("a", "/", folder.path("c.wasm")));
    folder.write("c.wasm", "other");
    const auto status = co_await rig.apply(makeSpec("a", "/", folder.path("c.wasm")));
    EXPECT_EQ(status->serving_generation, 2U);
  });
}

TEST_F(WorkloadManagerTest, AGenerationThatFailsLeavesTheOldOneServing) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    co_await rig.apply(makeSpec("a"));
    rig.takeCalls();
    const auto failed = co_await rig.apply(makeSpec("a", "/a", "/w/bad"));
    EXPECT_FALSE(failed);
    EXPECT_EQ(failed.error().message(), "the component is bad");
    EXPECT_THAT(rig.takeCalls(), ElementsAre("prepare default/a"));
    const auto status = rig.manager->get("default/a");
    EXPECT_EQ(status->state, WorkloadState::kRunning);
    EXPECT_EQ(status->generation, 2U);
    EXPECT_EQ(status->observed_generation, 2U);
    EXPECT_EQ(status->serving_generation, 1U);
    EXPECT_EQ(status->reason,
              "generation 2 failed, generation 1 still serves: the component is bad");
  });
}

TEST_F(WorkloadManagerTest, AFirstGenerationThatFailsIsInErrorUntilItIsApplied) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    EXPECT_FALSE(co_await rig.apply(makeSpec("a", "/a", "/w/bad")));
    EXPECT_EQ(rig.manager->get("default/a")->state, WorkloadState::kError);
    EXPECT_EQ(rig.manager->get("default/a")->reason, "the component is bad");
    EXPECT_EQ(rig.manager->counts().error, 1U);
    EXPECT_TRUE(co_await rig.apply(makeSpec("a")));
    EXPECT_EQ(rig.manager->counts().error, 0U);
    EXPECT_EQ(rig.manager->counts().running, 1U);
    EXPECT_EQ(rig.manager->get("default/a")->reason, "");
  });
}

TEST_F(WorkloadManagerTest, AFailedManifestIsTriedAgain) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    EXPECT_FALSE(co_await rig.apply(makeSpec("a", "/a", "/w/bad")));
    rig.takeCalls();
    EXPECT_FALSE(co_await rig.apply(makeSpec("a", "/a", "/w/bad")));
    EXPECT_THAT(rig.takeCalls(), ElementsAre("prepare default/a"));
  });
}

TEST_F(WorkloadManagerTest, RefusesByNameWhatCannotRun) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    WorkloadSpec spec = makeSpec("a");
    spec.host_interfaces.emplace_back().namespace_name = "wasi";
    spec.host_interfaces.back().package = "webgpu";
    const auto refused = co_await rig.apply(spec);
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), ErrorCode::kUnsupported);
    EXPECT_EQ(rig.manager->size(), 0U);
    EXPECT_THAT(rig.takeCalls(), IsEmpty());
  });
}

namespace {

WorkloadSpec withService(WorkloadSpec spec) {
  spec.service.emplace().component.file = "/w/service";
  spec.service->component.name = "watch";
  return spec;
}

}  // namespace

TEST_F(WorkloadManagerTest, AFailedServiceIsAProblemOfTheWorkload) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    co_await rig.apply(withService(makeSpec("a")));
    rig.runtime.serviceDoes({.state = ServiceState::kRestarting, .reason = "trap"});
    EXPECT_EQ(rig.manager->get("default/a")->reason, "");
    EXPECT_EQ(rig.manager->get("default/a")->service->progress.state, ServiceState::kRestarting);
    rig.runtime.serviceDoes({.state = ServiceState::kFailed, .reason = "trap", .restarts = 1});
    EXPECT_EQ(rig.manager->get("default/a")->state, WorkloadState::kRunning);
    EXPECT_EQ(rig.manager->get("default/a")->reason,
              "the service has failed: trap, after 1 restart");
    rig.takeCalls();
    EXPECT_TRUE(co_await rig.apply(withService(makeSpec("a"))));
    EXPECT_EQ(rig.takeCalls().front(), "prepare default/a") << "the same again starts it anew";
    EXPECT_EQ(rig.manager->get("default/a")->reason, "");
  });
}

TEST_F(WorkloadManagerTest, AWorkloadOfAFailedServiceAloneIsInError) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    WorkloadSpec spec = withService(makeSpec("a"));
    spec.components.clear();
    spec.routes.clear();
    co_await rig.apply(spec);
    EXPECT_EQ(rig.manager->get("default/a")->state, WorkloadState::kRunning);
    rig.runtime.serviceDoes({.state = ServiceState::kFailed, .reason = "trap"});
    EXPECT_EQ(rig.manager->get("default/a")->state, WorkloadState::kError);
    EXPECT_EQ(rig.manager->counts().error, 1U);
    co_await rig.apply(spec);
    EXPECT_EQ(rig.manager->get("default/a")->state, WorkloadState::kRunning);
  });
}

TEST_F(WorkloadManagerTest, AWorkloadThatWasEndedIsInErrorUntilItIsAppliedAgain) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    co_await rig.apply(makeSpec("a"));
    rig.runtime.end("it wrote too much");
    EXPECT_EQ(rig.manager->get("default/a")->state, WorkloadState::kError);
    EXPECT_EQ(rig.manager->get("default/a")->reason, "the workload was ended: it wrote too much");
    EXPECT_EQ(rig.manager->get("default/a")->serving_generation, 0U);
    EXPECT_EQ(rig.manager->counts().error, 1U);
    const auto event = co_await rig.events.next(rig.events.newest() - 1);
    EXPECT_EQ(std::get<HostEvent>(event).kind, EventKind::kEnded);
    EXPECT_FALSE(co_await rig.apply(makeSpec("a", "/a", "/w/bad")));
    EXPECT_EQ(rig.manager->get("default/a")->state, WorkloadState::kError);
    EXPECT_EQ(rig.manager->get("default/a")->reason, "the component is bad");
    rig.takeCalls();
    EXPECT_TRUE(co_await rig.apply(makeSpec("a")));
    EXPECT_EQ(rig.takeCalls(),
              (std::vector<std::string>{"prepare default/a", "swap default/a#1 -> default/a#3",
                                        "retire default/a#1"}));
    EXPECT_EQ(rig.manager->get("default/a")->state, WorkloadState::kRunning);
    EXPECT_EQ(rig.manager->get("default/a")->reason, "");
  });
}

TEST_F(WorkloadManagerTest, AnEndedGenerationThatWasReplacedIsNoProblemOfTheNewOne) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    co_await rig.apply(makeSpec("a"));
    co_await rig.apply(makeSpec("a", "/b"));
    rig.runtime.endGeneration("default/a", 1, "it wrote too much");
    EXPECT_EQ(rig.manager->get("default/a")->state, WorkloadState::kRunning);
    EXPECT_EQ(rig.manager->get("default/a")->reason, "");
    rig.runtime.endGeneration("default/none", 7, "it wrote too much");
  });
}

TEST_F(WorkloadManagerTest, NewsOfAReplacedServiceAreOld) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    co_await rig.apply(withService(makeSpec("a")));
    const std::uint64_t newest = rig.events.newest();
    rig.runtime.tell(
        {"default/a", "watch", 4711, {.state = ServiceState::kFailed, .reason = "trap"}});
    rig.runtime.tell({"default/b", "watch", 1, {.state = ServiceState::kFailed, .reason = "trap"}});
    EXPECT_EQ(rig.events.newest(), newest);
    EXPECT_EQ(rig.manager->get("default/a")->reason, "");
  });
}

TEST_F(WorkloadManagerTest, TheSecondClaimOfARouteIsRefusedAndNamesTheFirst) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    co_await rig.apply(makeSpec("a", "/shop"));
    const auto refused = co_await rig.apply(makeSpec("b", "/shop"));
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), ErrorCode::kAlreadyExists);
    EXPECT_EQ(refused.error().message(),
              "the route \"any host, path /shop\" is already claimed by the workload "
              "\"default/a\"");
    EXPECT_EQ(rig.manager->size(), 1U);
  });
}

TEST_F(WorkloadManagerTest, ARouteIsClaimedWhileItsWorkloadStarts) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    rig.runtime.hold = true;
    PendingApply first(rig.apply(makeSpec("a", "/shop")));
    EXPECT_FALSE(co_await rig.apply(makeSpec("b", "/shop"))) << "both would have been taken";
    rig.runtime.hold = false;
    rig.runtime.letGo();
    co_await first.tasks.empty();
    EXPECT_TRUE(first.value->has_value());
  });
}

TEST_F(WorkloadManagerTest, ARouteIsFreeOnceItsWorkloadMovedOrFailed) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    int released = 0;
    rig.manager->onReleased([&released] { ++released; });
    co_await rig.apply(makeSpec("a", "/one"));
    co_await rig.apply(makeSpec("a", "/two"));
    EXPECT_EQ(released, 1);
    EXPECT_TRUE(co_await rig.apply(makeSpec("b", "/one")));
    EXPECT_FALSE(co_await rig.apply(makeSpec("c", "/three", "/w/bad")));
    EXPECT_EQ(released, 2);
    EXPECT_TRUE(co_await rig.apply(makeSpec("d", "/three")));
    EXPECT_TRUE(co_await rig.manager->remove("default/d", WorkloadOwner::kApi));
    EXPECT_TRUE(co_await rig.apply(makeSpec("e", "/three")));
  });
}

TEST_F(WorkloadManagerTest, AWorkloadHasOneOwner) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    co_await rig.applyFromFolder(makeSpec("a"), "a.yaml");
    const auto refused = co_await rig.apply(makeSpec("a", "/other"));
    EXPECT_EQ(refused.error().code(), ErrorCode::kAlreadyExists);
    EXPECT_EQ(refused.error().message(),
              "the workload \"default/a\" is owned by the workloads folder (file \"a.yaml\")");
    const auto removed = co_await rig.manager->remove("default/a", WorkloadOwner::kApi);
    EXPECT_EQ(removed.error().code(), ErrorCode::kAlreadyExists);
    co_await rig.apply(makeSpec("b"));
    const auto other = co_await rig.applyFromFolder(makeSpec("b"), "b.yaml");
    EXPECT_EQ(other.error().message(),
              "the workload \"default/b\" is owned by the administration API");
  });
}

TEST_F(WorkloadManagerTest, RemovesWhatIsThere) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    co_await rig.apply(makeSpec("a"));
    rig.takeCalls();
    EXPECT_TRUE(co_await rig.manager->remove("default/a", WorkloadOwner::kApi));
    EXPECT_THAT(rig.takeCalls(), ElementsAre("swap default/a#1 -> nothing", "retire default/a#1"));
    EXPECT_EQ(rig.manager->size(), 0U);
    EXPECT_EQ(rig.manager->counts().running, 0U);
    EXPECT_EQ(rig.manager->counts().stopping, 0U);
    const auto again = co_await rig.manager->remove("default/a", WorkloadOwner::kApi);
    EXPECT_EQ(again.error().code(), ErrorCode::kNotFound);
    EXPECT_EQ((co_await rig.apply(makeSpec("a")))->generation, 2U);
  });
}

TEST_F(WorkloadManagerTest, EqualChangesAtTheSameTimeShareOneOutcome) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    rig.runtime.hold = true;
    PendingApply first(rig.apply(makeSpec("a")));
    PendingApply second(rig.apply(makeSpec("a")));
    rig.runtime.hold = false;
    rig.runtime.letGo();
    co_await second.tasks.empty();
    EXPECT_EQ((*first.value)->serving_generation, 1U);
    EXPECT_EQ((*second.value)->serving_generation, 1U);
    EXPECT_THAT(rig.takeCalls(), ElementsAre("prepare default/a", "swap nothing -> default/a#1"));
  });
}

Task<void> applyOnceRemoved(Rig& rig, std::optional<Result<WorkloadStatus>>& applied) {
  EXPECT_TRUE(co_await rig.manager->remove("default/a", WorkloadOwner::kApi));
  applied = co_await rig.apply(makeSpec("a"));
}

TEST_F(WorkloadManagerTest, WhoeverWaitedMayAskForTheNextChangeAtOnce) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    co_await rig.apply(makeSpec("a"));
    std::optional<Result<WorkloadStatus>> applied;
    co_await applyOnceRemoved(rig, applied);
    EXPECT_EQ((*applied)->state, WorkloadState::kRunning);
    EXPECT_EQ(rig.manager->size(), 1U);
  });
}

TEST_F(WorkloadManagerTest, WithoutWaitingOnlyARefusalIsAnError) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    rig.runtime.hold = true;
    const auto status = co_await rig.apply(makeSpec("a", "/a", "/w/bad"), Wait::kNo);
    EXPECT_EQ(status->state, WorkloadState::kStarting);
    EXPECT_EQ(status->generation, 1U);
    EXPECT_EQ(status->observed_generation, 0U);
    EXPECT_FALSE(co_await rig.apply(makeSpec("b", "/a"), Wait::kNo));
    rig.runtime.hold = false;
    rig.runtime.letGo();
    co_await settle(shard);
    EXPECT_EQ(rig.manager->get("default/a")->state, WorkloadState::kError);
  });
}

TEST_F(WorkloadManagerTest, AWaiterThatGoesAwayDoesNotStopTheChange) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    rig.runtime.hold = true;
    {
      const PendingApply gone(rig.apply(makeSpec("a")));
    }
    rig.runtime.hold = false;
    rig.runtime.letGo();
    co_await settle(shard);
    EXPECT_EQ(rig.manager->get("default/a")->state, WorkloadState::kRunning);
  });
}

TEST_F(WorkloadManagerTest, BoundsHowManyThereAre) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard, {.max_workloads = 1});
    EXPECT_TRUE(co_await rig.apply(makeSpec("a")));
    const auto refused = co_await rig.apply(makeSpec("b"));
    EXPECT_EQ(refused.error().code(), ErrorCode::kResourceExhausted);
    EXPECT_TRUE(co_await rig.apply(makeSpec("a", "/other")));
  });
}

TEST_F(WorkloadManagerTest, TakesTheApisChangesOnlyWhenReadyAndNoneWhileDraining) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    Readiness restoring;
    WorkloadManager manager(
        {shard, rig.runtime, *rig.store, rig.events, restoring, *rig.log, rig.metrics, rig.clock},
        {});
    const auto early = co_await manager.apply(Rig::share(makeSpec("a")), {.source = ""});
    EXPECT_EQ(early.error().code(), ErrorCode::kUnavailable);
    EXPECT_TRUE(co_await manager.apply(Rig::share(makeSpec("f")),
                                       {.owner = WorkloadOwner::kFolder, .source = "f.yaml"}));
    manager.markReady();
    EXPECT_TRUE(co_await manager.apply(Rig::share(makeSpec("a")), {.source = ""}));
    manager.startDrain();
    const auto late = co_await manager.apply(Rig::share(makeSpec("b")), {.source = ""});
    EXPECT_EQ(late.error().code(), ErrorCode::kUnavailable);
    const auto removal = co_await manager.remove("default/a", WorkloadOwner::kApi);
    EXPECT_EQ(removal.error().code(), ErrorCode::kUnavailable);
    EXPECT_EQ(manager.get("default/a")->state, WorkloadState::kRunning);
  });
}

TEST_F(WorkloadManagerTest, StoppingEndsEverythingAndForgetsNothing) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    co_await rig.apply(makeSpec("a"));
    rig.runtime.hold = true;
    PendingApply starting(rig.apply(makeSpec("b")));
    rig.takeCalls();
    co_await rig.manager->stopAll(std::chrono::seconds(1));
    EXPECT_THAT(rig.takeCalls(), ElementsAre("swap default/a#1 -> nothing", "retire default/a#1"));
    EXPECT_EQ(starting.value->error().code(), ErrorCode::kUnavailable);
    EXPECT_EQ((co_await rig.store->load()).size(), 1U);
  });
}

TEST_F(WorkloadManagerTest, StoppingWaitsForNothingThatWasReplacedBeforeBeyondItsBound) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard, {.retire_bound = std::chrono::hours(1)});
    co_await rig.apply(makeSpec("a", "/1"));
    rig.runtime.hold_retiring = true;
    co_await rig.apply(makeSpec("a", "/2"));
    rig.takeCalls();
    co_await rig.manager->stopAll(std::chrono::milliseconds(1));
    EXPECT_THAT(rig.takeCalls(), ElementsAre("swap default/a#2 -> nothing", "retire default/a#2"));
    rig.runtime.letRetire();  // nobody waits for it any more
  });
}

Task<bool> stopSlowly(Rig* rig) {
  co_await rig->manager->stopAll(std::chrono::hours(1));
  co_return true;
}

TEST_F(WorkloadManagerTest, StoppingIsOverWhenAllHasBeenRetired) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    co_await rig.apply(makeSpec("a", "/1"));
    rig.runtime.hold_retiring = true;
    co_await rig.apply(makeSpec("a", "/2"));
    Pending<bool> stopping(stopSlowly(&rig));
    co_await settle(shard);
    EXPECT_FALSE(stopping.value);
    rig.runtime.letRetire();
    EXPECT_TRUE(stopping.value);
  });
}

TEST_F(WorkloadManagerTest, TellsWhatHappensAsEvents) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    co_await rig.apply(makeSpec("a"));
    co_await rig.apply(makeSpec("a", "/a", "/w/bad"));
    co_await rig.manager->remove("default/a", WorkloadOwner::kApi);
    std::vector<std::string> kinds;
    for (std::uint64_t i = 0; i < rig.events.newest(); ++i) {
      const EventLog::Item item = co_await rig.events.next(i);
      kinds.emplace_back(eventKindName(std::get<HostEvent>(item).kind));
    }
    EXPECT_THAT(kinds,
                ElementsAre("starting", "running", "starting", "failed", "stopping", "removed"));
  });
}

TEST_F(WorkloadManagerTest, AProblemOfTheManifestShowsInTheStatus) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    co_await rig.applyFromFolder(makeSpec("a"), "a.yaml");
    rig.manager->setSourceProblem("default/a", "a.yaml:3: oops");
    EXPECT_EQ(rig.manager->get("default/a")->reason, "a.yaml:3: oops");
    EXPECT_EQ(rig.manager->get("default/a")->state, WorkloadState::kRunning);
    co_await rig.applyFromFolder(makeSpec("a"), "a.yaml");
    EXPECT_EQ(rig.manager->get("default/a")->reason, "");
  });
}

TEST_F(WorkloadManagerTest, ListsInOrderAndInPages) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    for (const char* name : {"c", "a", "d", "b"}) co_await rig.apply(makeSpec(name));
    std::vector<std::string> ids;
    for (const auto& status : rig.manager->list("default/a", 2)) ids.push_back(status.spec->id());
    EXPECT_THAT(ids, ElementsAre("default/b", "default/c"));
  });
}

TEST_F(WorkloadManagerTest, CountsByStateInTheMetrics) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    co_await rig.apply(makeSpec("a"));
    co_await rig.apply(makeSpec("b", "/b", "/w/bad"));
    co_await rig.apply(makeSpec("c", "/a"));
    const std::string text = rig.metrics.renderPrometheus();
    for (const char* line :
         {"nimbus_workloads{state=\"Running\"} 1", "nimbus_workloads{state=\"Error\"} 1",
          "nimbus_workload_applies_total{result=\"ok\"} 1",
          "nimbus_workload_applies_total{result=\"failed\"} 1",
          "nimbus_workload_applies_total{result=\"refused\"} 1"})
      EXPECT_THAT(text, testing::HasSubstr(line));
  });
}

}  // namespace
}  // namespace nimbus::host
