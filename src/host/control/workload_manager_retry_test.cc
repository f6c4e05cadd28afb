// Workloads that fail to be prepared, and which of them are tried again.

#include <gmock/gmock.h>

#include "host/control/workload_manager_fixture.h"

namespace nimbus::host {
namespace {

using testing::ElementsAre;
using Rig = ManagerRig;
using Wait = WorkloadManager::Wait;

// Fails to prepare so many times.
class LateRuntime final : public WorkloadRuntime {
 public:
  ErrorCode code = ErrorCode::kUnavailable;
  int failing = 0;

  Task<Result<std::shared_ptr<const WorkloadSpec>>> fetch(std::shared_ptr<const WorkloadSpec> spec,
                                                          Freshness freshness) override {
    return rest_.fetch(std::move(spec), freshness);
  }
  Task<Result<std::shared_ptr<Deployment>>> prepare(std::shared_ptr<const WorkloadSpec> spec,
                                                    std::uint64_t generation) override {
    if (failing > 0) {
      --failing;
      co_return fail(code, "it cannot be had");
    }
    co_return co_await rest_.prepare(std::move(spec), generation);
  }
  Task<Result<std::vector<std::shared_ptr<Deployment>>>> prepareTogether(
      std::vector<std::shared_ptr<const WorkloadSpec>> specs, std::uint64_t generation) override {
    return rest_.prepareTogether(std::move(specs), generation);
  }
  Task<void> swapTogether(std::vector<Replacement> replacements) override {
    return rest_.swapTogether(std::move(replacements));
  }
  Task<void> retire(std::shared_ptr<Deployment> deployment, Duration bound) override {
    return rest_.retire(std::move(deployment), bound);
  }
  void onServiceNews(std::function<void(const ServiceNews&)> tell) override {
    rest_.onServiceNews(std::move(tell));
  }
  void onEndedNews(std::function<void(const EndedNews&)> tell) override {
    rest_.onEndedNews(std::move(tell));
  }

 private:
  FakeRuntime rest_;
};

// A manager whose workloads fail so many times with that code; `at` says which file they have.
struct LateRig : Rig {
  LateRig(net::Shard& on, ErrorCode code, int failing) : Rig(on) {
    late.code = code;
    late.failing = failing;
    manager = std::make_unique<WorkloadManager>(
        environment(late), ManagerOptions{.first_retry = std::chrono::milliseconds(1)});
  }
  ~LateRig() { manager.reset(); }  // before what it uses
  static WorkloadSpec at(std::string file) { return makeSpec("a", "/a", std::move(file)); }
  WorkloadStatus status() const { return *manager->get("default/a"); }

  LateRuntime late;
};

constexpr auto* kMissingFile = "/nowhere/late.wasm";
constexpr auto* kFileThatIsThere = "/proc/self/status";

class WorkloadManagerRetryTest : public ShardTest {};

TEST_F(WorkloadManagerRetryTest, AFileThatCannotBeReadIsLookedForAgain) {
  run([](net::Shard& shard) -> Task<void> {
    for (const ErrorCode code : {ErrorCode::kNotFound, ErrorCode::kIo}) {
      LateRig rig(shard, code, 2);
      const auto first = co_await rig.apply(LateRig::at(kMissingFile));
      EXPECT_EQ(first.error().code(), code) << "whoever waits is told at once";
      EXPECT_TRUE(rig.status().retry_at);
      co_await eventOf(&rig, EventKind::kRunning);
      EXPECT_EQ(rig.status().state, WorkloadState::kRunning);
      EXPECT_EQ(rig.status().reason, "");
    }
  });
}

TEST_F(WorkloadManagerRetryTest, AServerThatIsNotThereIsTriedAgain) {
  run([](net::Shard& shard) -> Task<void> {
    for (const ErrorCode code : {ErrorCode::kUnavailable, ErrorCode::kDeadlineExceeded}) {
      LateRig rig(shard, code, 2);
      const auto first = co_await rig.apply(LateRig::at(kFileThatIsThere));
      EXPECT_EQ(first.error().code(), code) << "whoever waits is told at once";
      EXPECT_EQ(rig.status().state, WorkloadState::kError);
      EXPECT_EQ(rig.status().reason, "it cannot be had");
      EXPECT_EQ(rig.status().retry_at, rig.clock.wallNow() + std::chrono::milliseconds(1));
      EXPECT_THAT(co_await rig.store->load(), testing::IsEmpty());

      EXPECT_EQ((co_await eventOf(&rig, EventKind::kRunning)).generation, 1U);
      EXPECT_EQ(rig.status().reason, "");
      EXPECT_FALSE(rig.status().retry_at);
      EXPECT_EQ((co_await rig.store->load()).size(), 1U) << "and it is durable now";
    }
  });
}

TEST_F(WorkloadManagerRetryTest, WhatIsRestoredIsTriedUntilItServes) {
  run([](net::Shard& shard) -> Task<void> {
    for (const ErrorCode code :
         {ErrorCode::kUnavailable, ErrorCode::kDeadlineExceeded, ErrorCode::kResourceExhausted}) {
      LateRig rig(shard, code, 3);
      co_await rig.store->save({Rig::share(LateRig::at(kFileThatIsThere)), 7});
      co_await rig.manager->restoreAll();
      EXPECT_EQ(rig.status().state, WorkloadState::kError);
      EXPECT_TRUE(rig.status().retry_at);
      EXPECT_EQ((co_await eventOf(&rig, EventKind::kRunning)).generation, 7U);
      EXPECT_EQ(rig.late.failing, 0);
      EXPECT_EQ(rig.status().state, WorkloadState::kRunning);
    }
  });
}

TEST_F(WorkloadManagerRetryTest, WantOfMemoryIsNoEndWhereNobodyHearsOfIt) {
  run([](net::Shard& shard) -> Task<void> {
    LateRig of_folder(shard, ErrorCode::kResourceExhausted, 2);
    EXPECT_FALSE(co_await of_folder.applyFromFolder(LateRig::at(kFileThatIsThere), "a.yaml"));
    co_await eventOf(&of_folder, EventKind::kRunning);

    LateRig heard(shard, ErrorCode::kResourceExhausted, 2);
    EXPECT_FALSE(co_await heard.apply(LateRig::at(kFileThatIsThere)));
    EXPECT_FALSE(heard.status().retry_at) << "whoever applied it may ask again";

    LateRig retried(shard, ErrorCode::kUnavailable, 2);
    EXPECT_FALSE(co_await retried.apply(LateRig::at(kFileThatIsThere)));
    retried.late.code = ErrorCode::kResourceExhausted;
    co_await eventOf(&retried, EventKind::kRunning);
  });
}

TEST_F(WorkloadManagerRetryTest, WhatTheManifestHasWrongIsNotTriedAgain) {
  run([](net::Shard& shard) -> Task<void> {
    for (const ErrorCode code : {ErrorCode::kInvalidArgument, ErrorCode::kUnsupported,
                                 ErrorCode::kPermissionDenied, ErrorCode::kNotFound}) {
      LateRig rig(shard, code, 2);
      EXPECT_FALSE(co_await rig.apply(LateRig::at(kFileThatIsThere)));
      EXPECT_FALSE(rig.status().retry_at);
      co_await rig.store->save({Rig::share(makeSpec("b", "/b", kFileThatIsThere)), 7});
      co_await rig.manager->restoreAll();
      EXPECT_EQ(rig.manager->get("default/b")->state, WorkloadState::kError);
      EXPECT_FALSE(rig.manager->get("default/b")->retry_at);
    }
  });
}

TEST_F(WorkloadManagerRetryTest, WhatServesGoesOnWhileANewerOneWaitsForItsServer) {
  run([](net::Shard& shard) -> Task<void> {
    LateRig rig(shard, ErrorCode::kUnavailable, 0);
    EXPECT_TRUE(co_await rig.apply(makeSpec("a", "/1")));
    rig.late.failing = 1;
    EXPECT_FALSE(co_await rig.apply(makeSpec("a", "/2")));
    EXPECT_EQ(rig.status().state, WorkloadState::kRunning);
    EXPECT_EQ(rig.status().serving_generation, 1U);
    EXPECT_EQ(rig.status().reason,
              "generation 2 failed, generation 1 still serves: it cannot be had");
    co_await eventOf(&rig, EventKind::kRunning, rig.events.newest());
    EXPECT_EQ(rig.status().serving_generation, 2U);
  });
}

}  // namespace
}  // namespace nimbus::host
