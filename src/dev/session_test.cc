#include "dev/session.h"

#include <algorithm>
#include <utility>

#include "dev/session_test_support.h"

namespace nimbus::dev {
namespace {

using std::chrono::milliseconds;

TEST_F(SessionTest, BuildsAndServesAtTheStart) {
  tell([](Bench& bench) -> Task<void> {
    const DevEvent serving = co_await bench.events.until(Kind::kServing);
    EXPECT_EQ(serving.generation, 1U);
    EXPECT_EQ(bench.deployer.served, std::vector<std::string>{"one"});
    EXPECT_EQ(bench.watcher.followed, 1);
  });
}

TEST_F(SessionTest, TellsWhatTakesTime) {
  run([](net::Shard& shard) -> Task<void> {
    Bench bench(shard);
    bench.workbench.editConfig("first", [](DevPlan& plan) {
      PlannedComponent& component = plan.components.emplace_back();
      component.spec.name = "back";
      component.spec.image = "ghcr.io/acme/back:1";
    });
    co_await bench.start();
    co_await bench.events.until(Kind::kServing);
    co_await bench.session.idle();
    EXPECT_EQ(bench.events.work,
              (std::vector<std::string>{"build app", "end", "compile app, back", "end"}));
    co_await bench.end();
  });
}

TEST_F(SessionTest, WorkThatFailsHasAnEnd) {
  tell([](Bench& bench) -> Task<void> {
    co_await bench.events.until(Kind::kServing);
    bench.workbench.edit("bad");
    bench.notice();
    co_await bench.events.until(Kind::kLoadFailed);
    co_await bench.session.idle();
    EXPECT_EQ(std::ranges::count(bench.events.work, "end"), 4);
    bench.workbench.edit("broken");
    bench.notice();
    co_await bench.events.until(Kind::kBuildFailed);
    co_await bench.session.idle();
    EXPECT_EQ(std::ranges::count(bench.events.work, "end"), 5);
  });
}

TEST_F(SessionTest, SaysOnceThatWhatServesKeepsItsTermsUntilItBuilds) {
  tell([](Bench& bench) -> Task<void> {
    co_await bench.events.until(Kind::kServing);
    bench.workbench.edit("broken halfway");
    bench.notice();
    co_await bench.events.until(Kind::kBuildFailed);
    co_await bench.session.idle();
    EXPECT_EQ(std::ranges::count(bench.events.kinds(), Kind::kWarning), 0);
    bench.workbench.editConfig("second",
                               [](DevPlan& plan) { plan.plugins.config["otel"]["port"] = "1"; });
    bench.notice();
    const DevEvent warning = co_await bench.events.until(Kind::kWarning);
    EXPECT_TRUE(warning.message.contains("until the project builds")) << warning.message;
    bench.workbench.edit("broken again");
    bench.notice();
    co_await bench.events.until(Kind::kBuildFailed);
    co_await bench.session.idle();
    EXPECT_EQ(std::ranges::count(bench.events.kinds(), Kind::kWarning), 1);
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

TEST_F(SessionTest, WithoutABuildWhatKeepsItFromLoadingIsToldOfEachContent) {
  run([&](net::Shard& shard) -> Task<void> {
    Bench bench(shard);
    bench.workbench.lay("one");
    co_await bench.start();
    co_await bench.events.until(Kind::kServing);
    for (const char* file : {"no component", "no component either", "bad", "bad as well"}) {
      bench.workbench.lay(file);
      bench.notice();
      co_await bench.events.until(Kind::kLoadFailed);
      bench.notice();  // it is the same still
      co_await bench.session.idle();
    }
    EXPECT_EQ(std::ranges::count(bench.events.kinds(), Kind::kLoadFailed), 4);
    bench.workbench.lay("one");
    bench.notice();
    EXPECT_EQ((co_await bench.events.until(Kind::kUnchanged)).message,
              "what is there now is what is serving already");
    bench.notice();
    co_await bench.session.idle();
    EXPECT_EQ(std::ranges::count(bench.events.kinds(), Kind::kUnchanged), 1);
    EXPECT_EQ(bench.deployer.served, std::vector<std::string>{"one"});
    co_await bench.end();
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

TEST_F(SessionTest, WhatIsConfiguredCountsForWhatServesWhileBuildsFail) {
  tell([](Bench& bench) -> Task<void> {
    co_await bench.events.until(Kind::kServing);
    bench.workbench.edit("broken");
    bench.notice();
    co_await bench.events.until(Kind::kBuildFailed);
    bench.workbench.editConfig("second", [](DevPlan& plan) {
      plan.components[0].spec.local_resources.environment = {{"A", "1"}};
      plan.plugins.config["otel"]["port"] = "1";
    });
    bench.notice();
    EXPECT_EQ((co_await bench.events.until(Kind::kReloaded)).generation, 2U);
    EXPECT_EQ(bench.deployer.served.back(), "one");
    EXPECT_EQ(bench.deployer.environments.back(), (StringMap{{"A", "1"}}));
    co_await bench.session.idle();
    bench.notice();
    co_await bench.session.idle();
    EXPECT_EQ(bench.deployer.served.size(), 2);
    EXPECT_EQ(std::ranges::count(bench.events.kinds(), Kind::kWarning), 0);
  });
}

TEST_F(SessionTest, WhatIsNoSourceAnyMoreStartsNoBuild) {
  tell([](Bench& bench) -> Task<void> {
    co_await bench.events.until(Kind::kServing);
    bench.workbench.ignoreStamp();
    bench.workbench.editConfig("second", [](DevPlan& plan) {
      plan.projects[0].ignored = {"stamp"};
      plan.volumes.push_back({.name = "a", .host_path = "/stamp"});
    });
    bench.notice();
    co_await bench.events.until(Kind::kConfigured);
    co_await bench.session.idle();
    EXPECT_EQ(bench.workbench.builds(), 1);
    bench.workbench.edit("two");
    bench.notice();
    co_await bench.events.until(Kind::kReloaded);
    EXPECT_EQ(bench.workbench.builds(), 2);
  });
}

TEST_F(SessionTest, NothingThatABuildHasLeftHalfwayIsServed) {
  tell([](Bench& bench) -> Task<void> {
    co_await bench.events.until(Kind::kServing);
    bench.workbench.edit("broken halfway");
    bench.notice();
    co_await bench.events.until(Kind::kBuildFailed);
    bench.workbench.editConfig("second", [](DevPlan& plan) {
      plan.components[0].spec.local_resources.environment = {{"A", "1"}};
    });
    bench.notice();
    co_await bench.events.until(Kind::kConfigured);
    co_await bench.session.idle();
    EXPECT_EQ(bench.deployer.served.size(), 1);
    bench.workbench.edit("two");
    bench.notice();
    co_await bench.events.until(Kind::kReloaded);
    EXPECT_EQ(bench.deployer.environments.back(), (StringMap{{"A", "1"}}));
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
