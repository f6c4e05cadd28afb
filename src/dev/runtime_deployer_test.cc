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
  return std::make_shared<const DevWorkloads>(workload("dev", std::move(app)),
                                              std::move(host_plugins));
}

class RuntimeDeployerTest : public host::ShardTest {
 protected:
  void withDeployer(std::function<Task<void>(RuntimeDeployer&)> body) {
    run([&](net::Shard&) -> Task<void> {
      RuntimeDeployer deployer(runtime_, clock_);
      co_await body(deployer);
      co_await deployer.close();
    });
  }
  Calls takeCalls() { return std::exchange(runtime_.calls, {}); }

  const SystemClock clock_{};
  host::FakeRuntime runtime_;
};

TEST_F(RuntimeDeployerTest, OnlyWhatChangesIsDeployedAnew) {
  withDeployer([&](RuntimeDeployer& deployer) -> Task<void> {
    EXPECT_TRUE(co_await deployer.deploy(workloads("a", {workload("back", "b")})));
    EXPECT_EQ(takeCalls(), (Calls{"prepare default/back", "prepare default/dev",
                                  "swap nothing -> default/back#1, nothing -> default/dev#1"}));
    EXPECT_TRUE(co_await deployer.deploy(workloads("a2", {workload("back", "b")})));
    EXPECT_EQ(takeCalls(), (Calls{"prepare default/dev", "swap default/dev#1 -> default/dev#2",
                                  "retire default/dev#1"}));
    EXPECT_TRUE(co_await deployer.deploy(workloads("a2", {workload("back", "b2")})));
    EXPECT_EQ(takeCalls(), (Calls{"prepare default/back", "swap default/back#1 -> default/back#3",
                                  "retire default/back#1"}));
    EXPECT_TRUE(co_await deployer.deploy(workloads("a2", {workload("other", "o")})));
    EXPECT_EQ(takeCalls(), (Calls{"prepare default/other",
                                  "swap default/back#3 -> nothing, nothing -> default/other#4",
                                  "retire default/back#3"}));
  });
  EXPECT_EQ(takeCalls(), (Calls{"swap default/dev#2 -> nothing, default/other#4 -> nothing",
                                "retire default/dev#2", "retire default/other#4"}));
}

TEST_F(RuntimeDeployerTest, WhatFailsLeavesEverythingAsItIs) {
  withDeployer([&](RuntimeDeployer& deployer) -> Task<void> {
    EXPECT_TRUE(co_await deployer.deploy(workloads("a", {workload("back", "b")})));
    takeCalls();
    EXPECT_FALSE(co_await deployer.deploy(workloads("a2", {workload("back", "/bad")})));
    EXPECT_EQ(takeCalls(), Calls{"prepare default/back"});
    EXPECT_FALSE(co_await deployer.deploy(workloads("/bad", {workload("back", "b")})));
    EXPECT_EQ(takeCalls(), Calls{"prepare default/dev"});
    // It may need what only the new host plugin exports.
    EXPECT_FALSE(co_await deployer.deploy(workloads("/bad", {workload("back", "b2")})));
    EXPECT_EQ(takeCalls(), (Calls{"prepare default/back", "prepare default/dev",
                                  "swap default/back#1 -> default/back#2", "prepare default/dev",
                                  "swap default/back#2 -> default/back#1"}));
    EXPECT_TRUE(co_await deployer.deploy(workloads("a2", {workload("back", "b")})));
    EXPECT_EQ(takeCalls(), (Calls{"prepare default/dev", "swap default/dev#1 -> default/dev#2",
                                  "retire default/dev#1"}));
  });
}

TEST_F(RuntimeDeployerTest, WithoutADeploymentThereIsNothingToClose) {
  withDeployer([](RuntimeDeployer&) -> Task<void> { co_return; });
  EXPECT_TRUE(takeCalls().empty());
}

}  // namespace
}  // namespace nimbus::dev
