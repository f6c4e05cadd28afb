// What the manager has from the store, and leaves to it.

#include <gmock/gmock.h>

#include "host/control/workload_manager_fixture.h"

namespace nimbus::host {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Rig = ManagerRig;

class WorkloadManagerStoreTest : public ShardTest {};

TEST_F(WorkloadManagerStoreTest, RestoresWhatTheApiAppliedAndNotWhatTheFolderHas) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    co_await rig.apply(makeSpec("a", "/1"));
    co_await rig.apply(makeSpec("a", "/2"));
    co_await rig.apply(makeSpec("b"));
    co_await rig.apply(makeSpec("gone"));
    co_await rig.manager->remove("default/gone", WorkloadOwner::kApi);
    co_await rig.apply(makeSpec("a", "/3", "/w/bad"));  // never served
    co_await rig.applyFromFolder(makeSpec("f"), "f.yaml");
    rig.make({});
    co_await rig.manager->restoreAll();
    const auto all = rig.manager->list("", 10);
    EXPECT_EQ(all.size(), 2U);
    EXPECT_EQ(all.at(0).spec->routes[0].path, "/2");
    EXPECT_EQ(all.at(0).serving_generation, 2U);
    EXPECT_EQ(all.at(1).spec->id(), "default/b");
  });
}

TEST_F(WorkloadManagerStoreTest, WhatCannotBeRestoredIsInErrorAndCanBeRemoved) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    co_await rig.store->save({Rig::share(makeSpec("a", "/a", "/w/bad")), 1});
    co_await rig.store->save({Rig::share(makeSpec("b", "/x")), 2});
    co_await rig.store->save({Rig::share(makeSpec("c", "/x")), 3});
    co_await rig.manager->restoreAll();
    EXPECT_EQ(rig.manager->get("default/a")->state, WorkloadState::kError);
    EXPECT_EQ(rig.manager->get("default/b")->state, WorkloadState::kRunning);
    EXPECT_EQ(rig.manager->get("default/c")->state, WorkloadState::kError);
    EXPECT_TRUE(co_await rig.manager->remove("default/a", WorkloadOwner::kApi));
    const auto left = co_await rig.store->load();
    EXPECT_EQ(left.size(), 2U);
  });
}

TEST_F(WorkloadManagerStoreTest,
       WhatIsStoredAndRefusedTodayIsInErrorUntilItIsAppliedAnewOrRemoved) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    for (const char* name : {"a", "b"}) {
      WorkloadSpec names_only;
      names_only.name = name;
      co_await rig.store->save({Rig::share(std::move(names_only)), 7, "manifest:1: port 0"});
    }
    co_await rig.manager->restoreAll();
    const auto refused = rig.manager->get("default/a");
    EXPECT_EQ(refused->state, WorkloadState::kError);
    EXPECT_EQ(refused->generation, 7U);
    EXPECT_THAT(refused->reason, HasSubstr("apply it anew or delete it: manifest:1: port 0"));
    EXPECT_FALSE(refused->retry_at);
    EXPECT_TRUE(co_await rig.manager->remove("default/a", WorkloadOwner::kApi));
    EXPECT_TRUE(co_await rig.apply(makeSpec("b")));
    EXPECT_EQ(rig.manager->get("default/b")->state, WorkloadState::kRunning);
    const auto left = co_await rig.store->load();
    EXPECT_EQ(left.size(), 1U);
    EXPECT_EQ(left.at(0).problem, "");
  });
}

TEST_F(WorkloadManagerStoreTest, WhatIsStoredIsRestoredThoughItIsMoreThanMayBeApplied) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard, {.max_workloads = 1});
    for (const char* name : {"a", "b", "c"})
      co_await rig.store->save({Rig::share(makeSpec(name)), 1});
    co_await rig.manager->restoreAll();
    EXPECT_EQ(rig.manager->counts().running, 3U);
    EXPECT_TRUE(co_await rig.apply(makeSpec("a", "/other"))) << "what is there may change";
    for (const char* name : {"a", "b", "c"}) {
      const auto refused = co_await rig.apply(makeSpec("d"));
      EXPECT_EQ(refused.error().code(), ErrorCode::kResourceExhausted);
      EXPECT_TRUE(
          co_await rig.manager->remove(std::string("default/") + name, WorkloadOwner::kApi));
    }
    EXPECT_TRUE(co_await rig.apply(makeSpec("d")));
  });
}

// A store whose disk is full.
class BrokenStore final : public WorkloadStore {
 public:
  explicit BrokenStore(WorkloadStore& inner) : inner_(inner) {}
  bool broken = true;
  Task<std::vector<StoredWorkload>> load() override { return inner_.load(); }
  Task<Result<void>> save(StoredWorkload) override {
    co_return fail(ErrorCode::kIo, "the disk is full");
  }
  Task<Result<void>> remove(std::string) override {
    co_return fail(ErrorCode::kIo, "the disk is full");
  }
  Result<std::uint64_t> nextGeneration() override { return inner_.nextGeneration(); }
  bool durable() const override { return true; }

 private:
  WorkloadStore& inner_;
};

TEST_F(WorkloadManagerStoreTest, NothingChangesThatCouldNotBeMadeDurable) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    co_await rig.apply(makeSpec("a", "/old"));
    BrokenStore broken(*rig.store);
    WorkloadManager manager(
        {shard, rig.runtime, broken, rig.events, rig.readiness, *rig.log, rig.metrics, rig.clock},
        {});
    co_await manager.restoreAll();
    rig.takeCalls();
    const auto applied = co_await manager.apply(Rig::share(makeSpec("a", "/new")), {.source = ""});
    EXPECT_EQ(applied.error().code(), ErrorCode::kIo);
    const auto removed = co_await manager.remove("default/a", WorkloadOwner::kApi);
    EXPECT_EQ(removed.error().code(), ErrorCode::kIo);
    EXPECT_THAT(rig.takeCalls(), ElementsAre("prepare default/a"));
    EXPECT_EQ(manager.get("default/a")->serving_generation, 1U);
    EXPECT_EQ(manager.get("default/a")->state, WorkloadState::kRunning);
    EXPECT_TRUE(co_await rig.apply(makeSpec("b", "/new"))) << "the claim was not given back";
  });
}

TEST_F(WorkloadManagerStoreTest, ARemovalThatFailsIsTheEndOfTheGenerationThatGaveWayToIt) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    co_await rig.apply(makeSpec("a", "/old"));
    BrokenStore broken(*rig.store);
    WorkloadManager manager(
        {shard, rig.runtime, broken, rig.events, rig.readiness, *rig.log, rig.metrics, rig.clock},
        {});
    co_await manager.restoreAll();
    rig.runtime.hold = true;
    EXPECT_TRUE(co_await manager.apply(Rig::share(makeSpec("a", "/new")),
                                       {.source = "", .wait = WorkloadManager::Wait::kNo}));
    const auto removed = co_await manager.remove("default/a", WorkloadOwner::kApi);
    EXPECT_EQ(removed.error().code(), ErrorCode::kIo);
    const auto status = manager.get("default/a");
    EXPECT_EQ(status->state, WorkloadState::kRunning);
    EXPECT_EQ(status->generation, 2U);
    EXPECT_EQ(status->observed_generation, 2U);
    EXPECT_EQ(status->serving_generation, 1U);
    EXPECT_EQ(status->reason,
              "it could not be removed: the disk is full; generation 2 was given up for the "
              "removal, generation 1 still serves");
  });
}

TEST_F(WorkloadManagerStoreTest, ARemovalThatFailsTellsOfNoGenerationThatIsToCome) {
  run([](net::Shard& shard) -> Task<void> {
    Rig rig(shard);
    BrokenStore broken(*rig.store);
    WorkloadManager manager(
        {shard, rig.runtime, broken, rig.events, rig.readiness, *rig.log, rig.metrics, rig.clock},
        {});
    co_await rig.store->save({Rig::share(makeSpec("a", "/old")), 1});
    co_await manager.restoreAll();
    EXPECT_FALSE(co_await manager.remove("default/a", WorkloadOwner::kApi));
    EXPECT_EQ(manager.get("default/a")->observed_generation, 1U);
    EXPECT_EQ(manager.get("default/a")->reason, "it could not be removed: the disk is full");
  });
}

}  // namespace
}  // namespace nimbus::host
