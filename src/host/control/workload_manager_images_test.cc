// Workloads whose components are named by image.

#include <gmock/gmock.h>

#include <tuple>

#include "host/control/workload_manager_fixture.h"

namespace nimbus::host {
namespace {

using testing::ElementsAre;
using Rig = ManagerRig;
using Wait = WorkloadManager::Wait;

class WorkloadManagerImagesTest : public ShardTest {};

WorkloadSpec makeImageSpec(std::string name, std::string image,
                           std::optional<oci::PullPolicy> policy = std::nullopt) {
  WorkloadSpec spec = makeSpec(name, "/" + name, "");
  spec.components[0].image = std::move(image);
  spec.components[0].pull_policy = policy;
  return spec;
}

TEST_F(WorkloadManagerImagesTest, AnImageThatTakesLongKeepsNobodyWaiting) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    const auto status = co_await rig.apply(makeImageSpec("slow", "r.example/slow:1"), Wait::kNo);
    EXPECT_EQ(status->state, WorkloadState::kStarting);
    EXPECT_EQ((co_await rig.apply(makeSpec("a")))->state, WorkloadState::kRunning);
    rig.runtime.letFetch();
    co_await settle(shard);
    EXPECT_EQ(rig.manager->get("default/slow")->state, WorkloadState::kRunning);
  });
}

TEST_F(WorkloadManagerImagesTest, AnImageThatCannotBeHadIsAskedForAgain) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard, {.first_retry = std::chrono::milliseconds(1)});
    std::vector<std::string> recovered;
    rig.manager->onRecovered([&](const std::string& id) { recovered.push_back(id); });
    rig.runtime.failing_fetches = 3;
    const auto first = co_await rig.apply(makeImageSpec("a", "r.example/flaky:1"));
    EXPECT_EQ(first.error().code(), ErrorCode::kUnavailable) << "whoever waits is told at once";
    const auto failed = rig.manager->get("default/a");
    EXPECT_EQ(failed->state, WorkloadState::kError);
    EXPECT_EQ(failed->reason, "the registry is down");
    EXPECT_EQ(failed->retry_at, rig.clock.wallNow() + std::chrono::milliseconds(1));

    EXPECT_EQ((co_await eventOf(&rig, EventKind::kRunning)).generation, 1U);
    const auto serves = rig.manager->get("default/a");
    EXPECT_EQ(serves->state, WorkloadState::kRunning);
    EXPECT_EQ(serves->serving_generation, 1U) << "nobody asked for another one";
    EXPECT_EQ(serves->reason, "");
    EXPECT_FALSE(serves->retry_at);
    EXPECT_THAT(recovered, ElementsAre("default/a"));
    EXPECT_THAT(rig.takeCalls(),
                ElementsAre("fetch default/a", "fetch default/a", "fetch default/a",
                            "fetch default/a", "prepare default/a", "swap nothing -> default/a#1"));
    EXPECT_EQ((co_await rig.store->load()).size(), 1U) << "and it is durable now";
  });
}

TEST_F(WorkloadManagerImagesTest, ARemovalDoesNotWaitForAnImage) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    PendingApply slow(rig.apply(makeImageSpec("slow", "r.example/slow:1")));
    EXPECT_TRUE(co_await rig.manager->remove("default/slow", WorkloadOwner::kApi));
    EXPECT_EQ(slow.value->error().code(), ErrorCode::kCancelled);
    EXPECT_EQ(rig.manager->size(), 0U);
    rig.runtime.letFetch();
    co_await settle(shard);
    EXPECT_THAT(rig.takeCalls(), ElementsAre("fetch default/slow"));
  });
}

TEST_F(WorkloadManagerImagesTest, ARemovalDoesNotWaitForARetry) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard, {.first_retry = std::chrono::milliseconds(1)});
    rig.runtime.failing_fetches = 1;
    rig.runtime.hold = true;
    EXPECT_FALSE(co_await rig.apply(makeImageSpec("a", "r.example/flaky:1")));
    const HostEvent failed = co_await eventOf(&rig, EventKind::kFailed);
    co_await eventOf(&rig, EventKind::kStarting, failed.sequence);
    co_await settle(shard);
    EXPECT_EQ(rig.runtime.preparing, 1U);
    EXPECT_TRUE(co_await rig.manager->remove("default/a", WorkloadOwner::kApi));
    EXPECT_EQ(rig.runtime.preparing, 0U);
    EXPECT_EQ(rig.manager->size(), 0U);
  });
}

TEST_F(WorkloadManagerImagesTest, PausesBeforeAnImageIsAskedForAgainDoubleUpToABound) {
  run([](net::Shard& shard) -> Task<void> {
    using std::chrono::milliseconds;
    Rig rig(shard, {.first_retry = milliseconds(1), .longest_retry = milliseconds(3)});
    rig.runtime.failing_fetches = 100;
    std::ignore = co_await rig.apply(makeImageSpec("a", "r.example/flaky:1"), Wait::kNo);
    std::vector<Duration> pauses;
    for (std::uint64_t after = 0; pauses.size() < 4;) {
      after = (co_await eventOf(&rig, EventKind::kFailed, after)).sequence;
      pauses.push_back(*rig.manager->get("default/a")->retry_at - rig.clock.wallNow());
    }
    EXPECT_THAT(pauses,
                ElementsAre(milliseconds(1), milliseconds(2), milliseconds(3), milliseconds(3)));
  });
}

TEST_F(WorkloadManagerImagesTest, WhatServesGoesOnWhileANewerImageIsAskedForAgain) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    co_await rig.apply(makeSpec("a"));
    rig.runtime.failing_fetches = 1;
    EXPECT_FALSE(co_await rig.apply(makeImageSpec("a", "r.example/flaky:1")));
    const auto status = rig.manager->get("default/a");
    EXPECT_EQ(status->state, WorkloadState::kRunning);
    EXPECT_EQ(status->serving_generation, 1U);
    EXPECT_TRUE(status->retry_at);
  });
}

TEST_F(WorkloadManagerImagesTest, ANewerChangeTakesARetryBack) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    rig.runtime.failing_fetches = 2;
    for (const char* name : {"changed", "removed"})
      EXPECT_FALSE(co_await rig.apply(makeImageSpec(name, "r.example/flaky:1")));
    EXPECT_TRUE(co_await rig.apply(makeSpec("changed")));
    EXPECT_FALSE(rig.manager->get("default/changed")->retry_at);
    EXPECT_TRUE(co_await rig.manager->remove("default/removed", WorkloadOwner::kApi));
    EXPECT_FALSE(rig.manager->get("default/removed"));
  });
}

TEST_F(WorkloadManagerImagesTest, WhatCannotPassIsNotTriedAgain) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    const auto alien = co_await rig.apply(makeImageSpec("a", "r.example/alien:1"));
    EXPECT_EQ(alien.error().code(), ErrorCode::kProtocol);
    EXPECT_FALSE(rig.manager->get("default/a")->retry_at);
    EXPECT_FALSE(co_await rig.apply(makeSpec("b", "/b", "/w/bad")));
    EXPECT_FALSE(rig.manager->get("default/b")->retry_at) << "it is the component that is bad";
  });
}

TEST_F(WorkloadManagerImagesTest, AnImageThatIsMissingIsTheReason) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    EXPECT_FALSE(co_await rig.apply(makeImageSpec("a", "r.example/gone:1")));
    EXPECT_EQ(rig.manager->get("default/a")->state, WorkloadState::kError);
    EXPECT_EQ(rig.manager->get("default/a")->reason, "there is no such image");
    EXPECT_TRUE(co_await rig.apply(makeSpec("b", "/a"))) << "its route is free again";
  });
}

TEST_F(WorkloadManagerImagesTest, OnlyAnImageThatIsAlwaysPulledIsAskedForAgain) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    for (int i = 0; i < 2; ++i) {
      co_await rig.apply(makeImageSpec("a", "r.example/a:1"));
      co_await rig.apply(makeImageSpec("b", "r.example/b:1", oci::PullPolicy::kAlways));
    }
    EXPECT_EQ(rig.manager->get("default/a")->serving_generation, 1U);
    EXPECT_EQ(rig.manager->get("default/b")->serving_generation, 3U);
  });
}

TEST_F(WorkloadManagerImagesTest, ARestartGoesOnWithTheImagesThatAreThere) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    const auto spec = makeImageSpec("a", "r.example/a:1", oci::PullPolicy::kAlways);
    co_await rig.store->save({Rig::share(spec), 1});
    co_await rig.manager->restoreAll();
    EXPECT_EQ(rig.takeCalls().front(), "find default/a");
  });
}

}  // namespace
}  // namespace nimbus::host
