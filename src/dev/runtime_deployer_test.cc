#include "dev/runtime_deployer.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "host/test_support.h"

namespace nimbus::dev {
namespace {

using Calls = std::vector<std::string>;

host::WorkloadSpec workload(std::string name, std::string file) {
  host::WorkloadSpec spec;
  spec.name = std::move(name);
  spec.components.emplace_back().file = std::move(file);
  return spec;
}

std::shared_ptr<const DevWorkloads> workloads(std::string app,
                                              std::vector<host::WorkloadSpec> host_plugins = {}) {
  DevWorkloads made;
  made.app = workload("dev", std::move(app));
  made.host_plugins = std::move(host_plugins);
  return std::make_shared<const DevWorkloads>(std::move(made));
}

class RuntimeDeployerTest : public host::ShardTest {
 protected:
  void withDeployer(std::function<Task<void>(net::Shard&, RuntimeDeployer&)> body) {
    run([&](net::Shard& shard) -> Task<void> {
      RuntimeDeployer deployer(runtime_, clock_);
      co_await body(shard, deployer);
      co_await deployer.close();
    });
  }
  Calls takeCalls() { return std::exchange(runtime_.calls, {}); }
  // A host plugin has been taken out, and the app of before, which retires, may call it.
  Task<void> deployWithoutIt(RuntimeDeployer& deployer) {
    EXPECT_TRUE(co_await deployer.deploy(workloads("a", {workload("back", "b")})));
    runtime_.hold_retiring = true;
    EXPECT_TRUE(co_await deployer.deploy(workloads("a2")));
  }
  static Task<void> deployTo(RuntimeDeployer& deployer, std::shared_ptr<const DevWorkloads> next,
                             bool well = true) {
    const auto deployed = co_await deployer.deploy(std::move(next));
    EXPECT_EQ(deployed.has_value(), well);
  }

  const SystemClock clock_{};
  host::FakeRuntime runtime_;
};

TEST_F(RuntimeDeployerTest, OnlyWhatChangesIsDeployedAnew) {
  withDeployer([&](net::Shard&, RuntimeDeployer& deployer) -> Task<void> {
    EXPECT_TRUE(co_await deployer.deploy(workloads("a", {workload("back", "b")})));
    EXPECT_EQ(takeCalls(), (Calls{"prepare default/back", "prepare default/dev",
                                  "swap nothing -> default/back#1, nothing -> default/dev#1"}));
    EXPECT_TRUE(co_await deployer.deploy(workloads("a2", {workload("back", "b")})));
    EXPECT_EQ(takeCalls(), (Calls{"prepare default/dev", "swap default/dev#1 -> default/dev#2",
                                  "retire default/dev#1"}));
    // The app is prepared to see that it fits, and stays.
    EXPECT_TRUE(co_await deployer.deploy(workloads("a2", {workload("back", "b2")})));
    EXPECT_EQ(takeCalls(),
              (Calls{"prepare default/back", "prepare default/dev",
                     "swap default/back#1 -> default/back#3", "retire default/back#1"}));
    EXPECT_TRUE(co_await deployer.deploy(workloads("a2", {workload("back", "b2")})));
    EXPECT_TRUE(takeCalls().empty());
  });
  EXPECT_EQ(takeCalls(), (Calls{"swap default/dev#2 -> nothing, default/back#3 -> nothing",
                                "retire default/dev#2", "retire default/back#3"}));
}

TEST_F(RuntimeDeployerTest, AHostPluginServesUntilTheAppsOfBeforeHaveEnded) {
  withDeployer([&](net::Shard& shard, RuntimeDeployer& deployer) -> Task<void> {
    EXPECT_TRUE(co_await deployer.deploy(workloads("a", {workload("back", "b")})));
    runtime_.hold_retiring = true;
    takeCalls();
    EXPECT_TRUE(co_await deployer.deploy(workloads("a2")));
    EXPECT_TRUE(co_await deployer.deploy(workloads("a3")));
    EXPECT_EQ(takeCalls(), (Calls{"prepare default/dev", "swap default/dev#1 -> default/dev#2",
                                  "retire default/dev#1", "prepare default/dev",
                                  "swap default/dev#2 -> default/dev#3", "retire default/dev#2"}));
    runtime_.letRetire();
    co_await host::settle(shard);
    EXPECT_EQ(takeCalls(), (Calls{"swap default/back#1 -> nothing", "retire default/back#1"}));
  });
}

TEST_F(RuntimeDeployerTest, AHostPluginThatIsWantedAgainGoesOn) {
  withDeployer([&](net::Shard& shard, RuntimeDeployer& deployer) -> Task<void> {
    co_await deployWithoutIt(deployer);
    takeCalls();
    EXPECT_TRUE(co_await deployer.deploy(workloads("a3", {workload("back", "b")})));
    runtime_.letRetire();
    co_await host::settle(shard);
    EXPECT_EQ(takeCalls(), (Calls{"prepare default/dev", "swap default/dev#2 -> default/dev#3",
                                  "retire default/dev#2"}));
  });
}

TEST_F(RuntimeDeployerTest, OneThatIsWantedAgainIsNotWithdrawnMeanwhile) {
  withDeployer([&](net::Shard& shard, RuntimeDeployer& deployer) -> Task<void> {
    co_await deployWithoutIt(deployer);
    takeCalls();
    runtime_.hold = true;
    TaskSet tasks;
    tasks.spawn(deployTo(deployer, workloads("a3", {workload("back", "b")})));
    runtime_.letRetire();
    co_await host::settle(shard);
    EXPECT_EQ(takeCalls(), Calls{"prepare default/dev"}) << "an app is prepared that wants it";
    runtime_.hold = false;
    runtime_.letGo();
    co_await tasks.empty();
    co_await host::settle(shard);
    EXPECT_EQ(takeCalls(), (Calls{"swap default/dev#2 -> default/dev#3", "retire default/dev#2"}));
  });
}

TEST_F(RuntimeDeployerTest, OneThatIsUnwantedIsWithdrawnAfterADeploymentThatFails) {
  withDeployer([&](net::Shard& shard, RuntimeDeployer& deployer) -> Task<void> {
    co_await deployWithoutIt(deployer);
    runtime_.hold = true;
    TaskSet tasks;
    tasks.spawn(deployTo(deployer, workloads("/bad", {workload("back", "b")}), false));
    runtime_.letRetire();
    takeCalls();
    runtime_.hold = false;
    runtime_.letGo();
    co_await tasks.empty();
    co_await host::settle(shard);
    EXPECT_EQ(takeCalls(), (Calls{"swap default/back#1 -> nothing", "retire default/back#1"}));
  });
}

TEST_F(RuntimeDeployerTest, WhatFailsLeavesEverythingAsItIs) {
  withDeployer([&](net::Shard&, RuntimeDeployer& deployer) -> Task<void> {
    EXPECT_TRUE(co_await deployer.deploy(workloads("a", {workload("back", "b")})));
    takeCalls();
    EXPECT_FALSE(co_await deployer.deploy(workloads("a2", {workload("back", "/bad")})));
    EXPECT_EQ(takeCalls(), Calls{"prepare default/back"});
    EXPECT_FALSE(co_await deployer.deploy(workloads("/bad", {workload("back", "b2")})));
    EXPECT_EQ(takeCalls(), (Calls{"prepare default/back", "prepare default/dev"}));
    EXPECT_TRUE(co_await deployer.deploy(workloads("a2", {workload("back", "b")})));
    EXPECT_EQ(takeCalls(), (Calls{"prepare default/dev", "swap default/dev#1 -> default/dev#2",
                                  "retire default/dev#1"}));
  });
}

TEST_F(RuntimeDeployerTest, WithoutADeploymentThereIsNothingToClose) {
  withDeployer([](net::Shard&, RuntimeDeployer&) -> Task<void> { co_return; });
  EXPECT_TRUE(takeCalls().empty());
}

}  // namespace
}  // namespace nimbus::dev
