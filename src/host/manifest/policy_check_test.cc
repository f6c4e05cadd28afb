#include "host/manifest/policy_check.h"

#include <gmock/gmock.h>

namespace nimbus::host {
namespace {

std::string problemOf(const ComponentSpec& component) {
  const auto found = policyProblem(component);
  return found ? std::string(found->name) + found->message : "";
}

ComponentSpec pooled(std::uint32_t pool_size, std::uint64_t max_invocations = 0,
                     std::uint32_t max_concurrency = 1) {
  ComponentSpec component;
  component.pool_size = pool_size;
  component.max_invocations = max_invocations;
  component.max_concurrency = max_concurrency;
  return component;
}

TEST(PolicyCheck, DefaultsAreFine) { EXPECT_EQ(problemOf({}), ""); }

TEST(PolicyCheck, NumbersOutOfRangeAreNamed) {
  EXPECT_EQ(problemOf(pooled(4'000'000'000)), "poolSize: expected 0 to 10000, found 4000000000");
  ComponentSpec component;
  component.timeout_ms = 0;
  EXPECT_EQ(problemOf(component), "timeout: expected 1 ms to 86400000 ms, found 0 ms");
  component.timeout_ms = 1;
  component.local_resources.cpu_limit_ms = 0;
  EXPECT_EQ(problemOf(component), "cpuLimit: expected 1 ms to 86400000 ms, found 0 ms");
  component.local_resources.cpu_limit_ms = 1;
  component.local_resources.memory_limit_mb = 0;
  EXPECT_EQ(problemOf(component), "memoryLimitMb: expected 1 MiB to 1048576 MiB, found 0 MiB");
}

TEST(PolicyCheck, WhatOnlyAPoolHasNeedsOne) {
  EXPECT_EQ(problemOf(pooled(0, 0, 2)),
            "maxConcurrency: calls can only share an instance of a pool; set poolSize too");
  EXPECT_EQ(problemOf(pooled(0, 3)),
            "maxInvocations: only an instance of a pool serves several calls; set poolSize too");
  EXPECT_EQ(problemOf(pooled(1, 3, 2)), "");
}

TEST(PolicyCheck, APoolFitsIntoItsInstances) {
  ComponentSpec component = pooled(5);
  component.max_instances = 4;
  EXPECT_EQ(problemOf(component), "poolSize is larger than maxInstances");
}

TEST(PolicyCheck, WhoeverWroteItReadsTheirOwnWords) {
  const auto found = policyProblem(
      pooled(0, 0, 2), {.pool_size = "--pool-size", .max_concurrency = "--max-concurrency"});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->name, "--max-concurrency");
  EXPECT_EQ(found->message, ": calls can only share an instance of a pool; set --pool-size too");
}

}  // namespace
}  // namespace nimbus::host
