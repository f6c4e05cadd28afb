#include "dev/session.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

#include "base/bytes.h"
#include "net/test_support.h"

namespace nimbus::dev {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Kind = DevEvent::Kind;
using Kinds = std::vector<Kind>;

// A project whose sources are one text, and whose component is what the build makes of it. Used by
// the worker's thread and the test's.
class FakeWorkbench final : public Workbench {
 public:
  FakeWorkbench() {
    PlannedProject& project = plan_.projects.emplace_back();
    project.component = "app";
    project.build.command = "make";
    PlannedComponent& component = plan_.components.emplace_back();
    component.spec.name = "app";
    component.project = 0;
  }

  Result<std::shared_ptr<const DevPlan>> plan() override {
    const std::lock_guard lock(mutex_);
    if (!plan_error_.empty()) return fail(ErrorCode::kInvalidArgument, plan_error_);
    return std::make_shared<const DevPlan>(plan_);
  }
  Inputs sources(const DevPlan&) override {
    const std::lock_guard lock(mutex_);
    return {{"config", engine::sha256(asBytes(config_))}};
  }
  Result<Inputs> inputs(const PlannedProject&) override {
    const std::lock_guard lock(mutex_);
    if (source_ == "gone") return fail(ErrorCode::kNotFound, "there is no folder /p");
    return Inputs{{"main", engine::sha256(asBytes(source_))},
                  {"stamp", engine::sha256(asBytes(stamp_))}};
  }
  Result<Built> build(const PlannedProject& project, std::stop_token stop) override {
    std::unique_lock lock(mutex_);
    builds_ += 1;
    commands_.push_back(project.build.command);
    if (during_build) during_build();
    changed_.notify_all();
    changed_.wait(lock, stop, [&] { return !held_; });
    if (stop.stop_requested()) return fail(ErrorCode::kCancelled, "stopped");
    if (source_ == "unknown") return fail(ErrorCode::kNotFound, "no language");
    if (source_ == "provider") return fail(ErrorCode::kUnsupported, "a program");
    if (source_.starts_with("broken")) return fail(ErrorCode::kInvalidArgument, "it is " + source_);
    component_ = source_;
    return Built{"/p/app.wasm", milliseconds(1)};
  }
  Result<std::shared_ptr<const host::WorkloadSpec>> workload(
      const DevPlan& plan, const std::vector<std::string>& built,
      const std::vector<std::string>& /*images*/) override {
    const std::lock_guard lock(mutex_);
    host::WorkloadSpec spec;
    spec.name = plan.name;
    spec.components = {plan.components[0].spec};
    spec.components[0].file = built[0];
    spec.components[0].digest = component_;
    return std::make_shared<const host::WorkloadSpec>(spec);
  }

  void edit(std::string source) {
    const std::lock_guard lock(mutex_);
    source_ = std::move(source);
  }
  void stamp(std::string stamp) {
    const std::lock_guard lock(mutex_);
    stamp_ = std::move(stamp);
  }
  void editConfig(std::string config, const std::function<void(DevPlan&)>& change) {
    const std::lock_guard lock(mutex_);
    config_ = std::move(config);
    change(plan_);
  }
  void breakConfig(std::string config, std::string error) {
    const std::lock_guard lock(mutex_);
    config_ = std::move(config);
    plan_error_ = std::move(error);
  }
  // Builds wait from now on, until they are let go.
  void hold() {
    const std::lock_guard lock(mutex_);
    held_ = true;
  }
  void letGo() {
    const std::lock_guard lock(mutex_);
    held_ = false;
    changed_.notify_all();
  }
  // Not on a shard's thread.
  void awaitBuild(int number) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, seconds(10), [&] { return builds_ >= number; }));
  }
  [[nodiscard]] int builds() {
    const std::lock_guard lock(mutex_);
    return builds_;
  }
  [[nodiscard]] std::vector<std::string> commands() {
    const std::lock_guard lock(mutex_);
    return commands_;
  }

  // Called by a build, which then writes what it likes.
  std::function<void()> during_build;
  std::string source_ = "one";  // for during_build
  std::string stamp_;

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  DevPlan plan_;
  std::string plan_error_;
  std::string config_ = "first";
  std::string component_;
  int builds_ = 0;
  bool held_ = false;
  std::vector<std::string> commands_;
};

// Runs what it is given, unless it begins with "bad", or is "taken" the first time.
class FakeDeployer final : public Deployer {
 public:
  Task<Result<std::shared_ptr<const host::WorkloadSpec>>> fetch(
      std::shared_ptr<const host::WorkloadSpec> workload) override {
    ++fetches;
    co_return workload;
  }
  Task<Result<Times>> deploy(std::shared_ptr<const host::WorkloadSpec> workload) override {
    const std::string& digest = workload->components[0].digest;
    if (digest.starts_with("bad")) co_return fail(ErrorCode::kInvalidArgument, "cannot be loaded");
    if (digest == "taken" && !std::exchange(was_taken, true))
      co_return fail(ErrorCode::kUnavailable, "its port is taken");
    served.push_back(digest);
    environments.push_back(workload->components[0].local_resources.environment);
    co_return Times{};
  }
  int fetches = 0;
  bool was_taken = false;
  std::vector<std::string> served;
  std::vector<StringMap> environments;
};

class FakeWatcher final : public Watcher {
 public:
  Result<void> follow(std::shared_ptr<const DevPlan>) override {
    followed += 1;
    return {};
  }
  int followed = 0;
};

// Keeps events; until() waits for one of a kind.
class Events final : public DevReporter {
 public:
  explicit Events(net::Shard& shard) : limit_(shard, [this] { arrived_.set(); }) {}
  void report(const DevEvent& event) override {
    all.push_back(event);
    fresh_.push_back(event);
    arrived_.set();
  }
  Task<DevEvent> until(Kind kind) {
    limit_.armAfter(seconds(10));
    for (;;) {
      if (fresh_.empty()) {
        arrived_.clear();
        co_await arrived_.wait();
      }
      if (fresh_.empty()) {
        ADD_FAILURE() << "no event " << eventName(kind);
        co_return DevEvent{.kind = kind};
      }
      DevEvent event = fresh_.front();
      fresh_.pop_front();
      if (event.kind == kind) co_return event;
    }
  }
  [[nodiscard]] Kinds kinds() const {
    Kinds kinds;
    for (const DevEvent& event : all) kinds.push_back(event.kind);
    return kinds;
  }
  std::vector<DevEvent> all;

 private:
  std::deque<DevEvent> fresh_;
  Event arrived_;
  net::Timer limit_;
};

// A session on a shard, and what it works with.
struct Bench {
  explicit Bench(net::Shard& shard)
      : events(shard),
        session({shard, workbench, deployer, watcher, events, clock}, {.pause = milliseconds(0)}),
        shard_(shard) {}
  Task<void> start() {
    const auto opened = co_await session.open();
    EXPECT_TRUE(opened) << opened.error().describe();
    tasks.spawn(runOn(&session, &ended));
  }
  static Task<void> runOn(Session* session, std::optional<Error>* ended) {
    *ended = co_await session->run();
  }
  // What waits for the session is resumed by it, and must not end it from there.
  Task<void> end() {
    co_await shard_.sleepFor(milliseconds(1));
    workbench.letGo();
    tasks.cancelAll();
  }
  void notice() { session.notice({"main"}, shard_.now()); }

  SystemClock clock;
  FakeWorkbench workbench;
  FakeDeployer deployer;
  FakeWatcher watcher;
  Events events;
  Session session;
  std::optional<Error> ended;
  TaskSet tasks;
  net::Shard& shard_;
};

class SessionTest : public net::ShardTest {
 protected:
  using Story = std::function<Task<void>(Bench&)>;
  void tell(Story story) {
    run([&](net::Shard& shard) -> Task<void> {
      Bench bench(shard);
      co_await bench.start();
      co_await story(bench);
      co_await bench.end();
    });
  }
};

TEST_F(SessionTest, BuildsAndServesAtTheStart) {
  tell([](Bench& bench) -> Task<void> {
    const DevEvent serving = co_await bench.events.until(Kind::kServing);
    EXPECT_EQ(serving.generation, 1U);
    EXPECT_EQ(bench.deployer.served, std::vector<std::string>{"one"});
    EXPECT_EQ(bench.watcher.followed, 1);
  });
}

TEST_F(SessionTest, AnEditIsBuiltAndServed) {
  tell([](Bench& bench) -> Task<void> {
    co_await bench.events.until(Kind::kServing);
    bench.workbench.edit("two");
    bench.notice();
    EXPECT_EQ((co_await bench.events.until(Kind::kChanged)).paths,
              std::vector<std::string>{"main"});
    EXPECT_EQ((co_await bench.events.until(Kind::kReloaded)).generation, 2U);
    EXPECT_EQ(bench.deployer.served, (std::vector<std::string>{"one", "two"}));
  });
}

TEST_F(SessionTest, ANoticeWithoutAChangeBuildsNothing) {
  tell([](Bench& bench) -> Task<void> {
    co_await bench.events.until(Kind::kServing);
    bench.notice();
    co_await bench.session.idle();
    EXPECT_EQ(bench.workbench.builds(), 1);
    EXPECT_EQ(bench.deployer.served.size(), 1U);
  });
}

TEST_F(SessionTest, ABuildThatMakesTheSameSwapsNothing) {
  tell([](Bench& bench) -> Task<void> {
    co_await bench.events.until(Kind::kServing);
    bench.workbench.stamp("another");  // a source that does not matter
    bench.notice();
    co_await bench.events.until(Kind::kUnchanged);
    EXPECT_EQ(bench.workbench.builds(), 2);
    EXPECT_EQ(bench.deployer.served.size(), 1U);
  });
}

TEST_F(SessionTest, SourcesThatCannotBeReadAreToldWithTheirProject) {
  tell([](Bench& bench) -> Task<void> {
    co_await bench.events.until(Kind::kServing);
    bench.workbench.edit("gone");
    bench.notice();
    const DevEvent failed = co_await bench.events.until(Kind::kBuildFailed);
    EXPECT_EQ(failed.component, "app");
    EXPECT_EQ(failed.message, "there is no folder /p");
  });
}

TEST_F(SessionTest, AFailedBuildIsToldOnceAndKeepsWhatServes) {
  tell([](Bench& bench) -> Task<void> {
    co_await bench.events.until(Kind::kServing);
    bench.workbench.edit("broken");
    bench.notice();
    EXPECT_EQ((co_await bench.events.until(Kind::kBuildFailed)).message, "it is broken");
    for (int i = 0; i < 3; ++i) {
      bench.notice();
      co_await bench.session.idle();
    }
    EXPECT_EQ(bench.workbench.builds(), 2);
    EXPECT_EQ(std::ranges::count(bench.events.kinds(), Kind::kBuildFailed), 1);
    bench.workbench.edit("three");
    bench.notice();
    co_await bench.events.until(Kind::kReloaded);
    EXPECT_EQ(bench.deployer.served, (std::vector<std::string>{"one", "three"}));
  });
}

TEST_F(SessionTest, AFirstBuildThatFailsWaitsForAnEdit) {
  run([](net::Shard& shard) -> Task<void> {
    Bench bench(shard);
    bench.workbench.edit("broken");
    co_await bench.start();
    co_await bench.events.until(Kind::kBuildFailed);
    bench.workbench.edit("whole");
    bench.notice();
    EXPECT_EQ((co_await bench.events.until(Kind::kServing)).generation, 1U);
    co_await bench.end();
  });
}

TEST_F(SessionTest, WithoutAnyWayToBuildItEnds) {
  run([](net::Shard& shard) -> Task<void> {
    Bench bench(shard);
    bench.workbench.edit("unknown");
    co_await bench.start();
    while (!bench.ended) co_await shard.sleepFor(milliseconds(1));
    EXPECT_EQ(bench.ended->message(), "no language");
    co_await bench.end();
  });
}

TEST_F(SessionTest, WhatMakesNoComponentEndsIt) {
  run([](net::Shard& shard) -> Task<void> {
    Bench bench(shard);
    bench.workbench.edit("provider");
    co_await bench.start();
    while (!bench.ended) co_await shard.sleepFor(milliseconds(1));
    EXPECT_EQ(bench.ended->message(), "a program");
    co_await bench.end();
  });
}

TEST_F(SessionTest, AComponentThatDoesNotLoadIsToldOnceAndKeepsWhatServes) {
  tell([](Bench& bench) -> Task<void> {
    co_await bench.events.until(Kind::kServing);
    bench.workbench.edit("bad");
    bench.notice();
    EXPECT_EQ((co_await bench.events.until(Kind::kLoadFailed)).message, "cannot be loaded");
    bench.notice();
    co_await bench.session.idle();
    EXPECT_EQ(std::ranges::count(bench.events.kinds(), Kind::kLoadFailed), 1);
    bench.workbench.edit("one");  // as it was
    bench.notice();
    co_await bench.events.until(Kind::kUnchanged);
    EXPECT_EQ(bench.deployer.served, std::vector<std::string>{"one"});
  });
}

TEST_F(SessionTest, WhatKeepsItFromLoadingIsToldOfEachBuild) {
  tell([](Bench& bench) -> Task<void> {
    co_await bench.events.until(Kind::kServing);
    for (const char* source : {"bad", "bad again"}) {
      bench.workbench.edit(source);
      bench.notice();
      EXPECT_EQ((co_await bench.events.until(Kind::kLoadFailed)).message, "cannot be loaded");
    }
  });
}

TEST_F(SessionTest, TheServerStaysWhatItIsWhateverTheConfigurationSays) {
  tell([](Bench& bench) -> Task<void> {
    co_await bench.events.until(Kind::kServing);
    const auto address = [&] { return bench.session.plan()->server.address; };
    const std::string first = address();
    bench.workbench.editConfig("second", [](DevPlan& plan) { plan.server.address = "[::1]:1"; });
    bench.notice();
    co_await bench.events.until(Kind::kWarning);
    EXPECT_EQ(address(), first);
    bench.workbench.editConfig("third", [&](DevPlan& plan) { plan.server.address = first; });
    bench.notice();
    co_await bench.events.until(Kind::kConfigured);
    bench.workbench.edit("two");
    bench.notice();
    co_await bench.events.until(Kind::kReloaded);
    EXPECT_EQ(std::ranges::count(bench.events.kinds(), Kind::kWarning), 1);
  });
}

TEST_F(SessionTest, TheDatabaseThatIsWrittenToBecomesNoSourceWhenAnotherIsConfigured) {
  run([](net::Shard& shard) -> Task<void> {
    Bench bench(shard);
    const auto configure = [&](std::string config, std::string database) {
      bench.workbench.editConfig(std::move(config), [&](DevPlan& plan) {
        plan.projects[0].folder = "/p";
        plan.projects[0].ignored = {"!" + database};
        plan.server.keyvalue_path = std::move(database);
      });
    };
    configure("first", "/p/first.db");
    co_await bench.start();
    co_await bench.events.until(Kind::kServing);
    for (const char* next : {"/p/second.db", "/elsewhere/third.db", ""}) {
      configure(next, next);
      bench.notice();
      co_await bench.events.until(Kind::kConfigured);
      EXPECT_EQ(bench.session.plan()->projects[0].ignored,
                (std::vector<std::string>{"/first.db", "/first.db-wal", "/first.db-shm",
                                          "/first.db-journal", "!" + std::string(next)}));
    }
    co_await bench.end();
  });
}

TEST_F(SessionTest, WhatWasNotToBeHadIsTriedAgainWithTheNextNotice) {
  tell([](Bench& bench) -> Task<void> {
    co_await bench.events.until(Kind::kServing);
    bench.workbench.edit("taken");
    bench.notice();
    EXPECT_EQ((co_await bench.events.until(Kind::kLoadFailed)).message, "its port is taken");
    bench.notice();
    co_await bench.events.until(Kind::kReloaded);
    EXPECT_EQ(bench.deployer.served, (std::vector<std::string>{"one", "taken"}));
  });
}

TEST_F(SessionTest, ChangesDuringABuildStartExactlyOneMore) {
  run([](net::Shard& shard) -> Task<void> {
    Bench bench(shard);
    int edits = 0;
    bench.workbench.during_build = [&] {
      // Three saves while the first build runs.
      if (edits < 3) bench.workbench.source_ = "edit " + std::to_string(edits = 3);
      shard.post([&] {
        for (int i = 0; i < 3; ++i) bench.notice();
      });
    };
    co_await bench.start();
    co_await bench.events.until(Kind::kServing);
    co_await bench.events.until(Kind::kUnchanged);
    co_await bench.session.idle();
    EXPECT_EQ(bench.workbench.builds(), 2);
    EXPECT_EQ(bench.deployer.served.back(), "edit 3");
    co_await bench.end();
  });
}

TEST_F(SessionTest, ABuildThatWritesIntoTheSourcesComesToRest) {
  run([](net::Shard& shard) -> Task<void> {
    Bench bench(shard);
    int stamp = 0;
    bench.workbench.during_build = [&] { bench.workbench.stamp_ = std::to_string(++stamp); };
    co_await bench.start();
    EXPECT_TRUE((co_await bench.events.until(Kind::kWarning)).message.contains("stamp"));
    co_await bench.session.idle();
    EXPECT_EQ(bench.workbench.builds(), BuildOutputs::kRecognisedAfter);
    bench.workbench.edit("two");
    bench.notice();
    co_await bench.events.until(Kind::kReloaded);
    co_await bench.session.idle();
    EXPECT_EQ(bench.workbench.builds(), BuildOutputs::kRecognisedAfter + 1);
    co_await bench.end();
  });
}

TEST_F(SessionTest, AnotherEnvironmentIsDeployedWithoutABuild) {
  tell([](Bench& bench) -> Task<void> {
    co_await bench.events.until(Kind::kServing);
    bench.workbench.editConfig("second", [](DevPlan& plan) {
      plan.components[0].spec.local_resources.environment = {{"A", "1"}};
    });
    bench.notice();
    co_await bench.events.until(Kind::kConfigured);
    co_await bench.events.until(Kind::kReloaded);
    EXPECT_EQ(bench.workbench.builds(), 1);
    EXPECT_EQ(bench.deployer.environments.back(), (StringMap{{"A", "1"}}));
    EXPECT_EQ(bench.watcher.followed, 2);
  });
}

TEST_F(SessionTest, AnotherBuildCommandBuildsAnew) {
  tell([](Bench& bench) -> Task<void> {
    co_await bench.events.until(Kind::kServing);
    bench.workbench.editConfig("second",
                               [](DevPlan& plan) { plan.projects[0].build.command = "ninja"; });
    bench.notice();
    co_await bench.events.until(Kind::kUnchanged);
    EXPECT_EQ(bench.workbench.commands(), (std::vector<std::string>{"make", "ninja"}));
  });
}

TEST_F(SessionTest, AConfigurationThatCannotBeUsedIsToldOnceAndChangesNothing) {
  tell([](Bench& bench) -> Task<void> {
    co_await bench.events.until(Kind::kServing);
    bench.workbench.breakConfig("second", "config.yaml:3: no");
    bench.notice();
    EXPECT_EQ((co_await bench.events.until(Kind::kConfigFailed)).message, "config.yaml:3: no");
    bench.workbench.edit("two");
    bench.notice();
    co_await bench.events.until(Kind::kReloaded);
    EXPECT_EQ(std::ranges::count(bench.events.kinds(), Kind::kConfigFailed), 1);
    EXPECT_EQ(bench.deployer.served.back(), "two");
  });
}

TEST_F(SessionTest, AConfigurationThatWasUnusableIsTriedAgainWithEveryNotice) {
  tell([](Bench& bench) -> Task<void> {
    co_await bench.events.until(Kind::kServing);
    bench.workbench.breakConfig("second", "no file x");
    bench.notice();
    co_await bench.events.until(Kind::kConfigFailed);
    bench.workbench.breakConfig("second", "");  // the file is there now
    bench.workbench.editConfig("second", [](DevPlan& plan) {
      plan.components[0].spec.local_resources.environment = {{"X", "1"}};
    });
    bench.notice();
    co_await bench.events.until(Kind::kReloaded);
    EXPECT_EQ(bench.deployer.environments.back(), (StringMap{{"X", "1"}}));
  });
}

TEST_F(SessionTest, WarningsOfThePlanAreTold) {
  tell([](Bench& bench) -> Task<void> {
    co_await bench.events.until(Kind::kServing);
    bench.workbench.editConfig("second", [](DevPlan& plan) { plan.warnings = {"git has it"}; });
    bench.notice();
    EXPECT_EQ((co_await bench.events.until(Kind::kWarning)).message, "git has it");
  });
}

TEST_F(SessionTest, WhatNeedsARestartIsSaid) {
  tell([](Bench& bench) -> Task<void> {
    co_await bench.events.until(Kind::kServing);
    bench.workbench.editConfig("second", [](DevPlan& plan) { plan.server.address = "[::1]:1"; });
    bench.notice();
    EXPECT_EQ((co_await bench.events.until(Kind::kWarning)).message,
              "dev.address: another value counts from the next start of wash dev; to use it now, "
              "end this one (Ctrl-C) and start it again");
  });
}

TEST_F(SessionTest, AnUnusablePlanAtTheStartIsAnError) {
  run([](net::Shard& shard) -> Task<void> {
    Bench bench(shard);
    bench.workbench.breakConfig("first", "nothing to build");
    const auto opened = co_await bench.session.open();
    EXPECT_FALSE(opened);
    EXPECT_EQ(opened.error().message(), "nothing to build");
  });
}

TEST_F(SessionTest, ItsEndEndsABuildThatRuns) {
  std::unique_ptr<Bench> bench;
  group_->runOn(0, [&](net::Shard& shard) {
    bench = std::make_unique<Bench>(shard);
    bench->workbench.hold();
  });
  run([&](net::Shard&) { return bench->start(); });
  bench->workbench.awaitBuild(1);
  group_->runOn(0, [&](net::Shard&) {
    bench->tasks.cancelAll();
    bench.reset();
  });
}

}  // namespace
}  // namespace nimbus::dev
