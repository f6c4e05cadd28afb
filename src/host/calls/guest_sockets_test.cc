#include "host/calls/guest_sockets.h"

#include <gtest/gtest.h>

namespace nimbus::host {
namespace {

TEST(GuestSocketsTest, AComponentHasNoMoreThanItsOwnLimit) {
  MetricRegistry metrics;
  const auto host = std::make_shared<HostSockets>(OpenLimits{.sockets = 10, .files = 10}, metrics);
  GuestSockets sockets({.sockets = 2, .files = 2}, host, nullptr);
  EXPECT_TRUE(sockets.open());
  EXPECT_TRUE(sockets.open());
  const Verdict refused = sockets.open();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.denial().reason, DenyReason::kNoCapacity);
  EXPECT_EQ(refused.denial().message, "the component has 2 sockets open already");
  EXPECT_EQ(host->sockets.open->value(), 2);
  EXPECT_EQ(host->sockets.refused->value(), 1);

  sockets.close();
  EXPECT_TRUE(sockets.open()) << "what was closed may be opened again";
}

TEST(GuestSocketsTest, AllComponentsTogetherHaveNoMoreThanTheHosts) {
  MetricRegistry metrics;
  const auto host = std::make_shared<HostSockets>(OpenLimits{.sockets = 3, .files = 3}, metrics);
  GuestSockets one({.sockets = 2, .files = 2}, host, nullptr);
  GuestSockets other({.sockets = 2, .files = 2}, host, nullptr);
  EXPECT_TRUE(one.open());
  EXPECT_TRUE(one.open());
  EXPECT_TRUE(other.open());
  const Verdict refused = other.open();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.denial().message, "the host has 3 sockets open already");
  one.close();
  EXPECT_TRUE(other.open()) << "the refusal took nothing from its own limit";
  one.close();
  other.close();
  other.close();
  EXPECT_EQ(host->sockets.open->value(), 0);
}

TEST(GuestSocketsTest, WithoutAHostItsOwnLimitHolds) {
  GuestSockets sockets({.sockets = 1, .files = 1}, nullptr, nullptr);
  EXPECT_TRUE(sockets.open());
  EXPECT_FALSE(sockets.open());
  sockets.close();
  EXPECT_TRUE(sockets.open());
}

TEST(GuestSocketsTest, AllComponentsOfAWorkloadGoOutNoMoreThanItMay) {
  MetricRegistry metrics;
  const auto host = std::make_shared<HostSockets>(OpenLimits{.sockets = 10, .files = 10}, metrics);
  const auto workload = std::make_shared<WorkloadSockets>(2);
  GuestSockets one({.sockets = 5, .files = 5}, host, workload);
  GuestSockets other({.sockets = 5, .files = 5}, host, workload);
  GuestSockets stranger({.sockets = 5, .files = 5}, host, std::make_shared<WorkloadSockets>(2));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(one.open()) << "those that stay inside do not count";
  EXPECT_TRUE(one.openOutgoing());
  EXPECT_TRUE(other.openOutgoing());
  const Verdict refused = one.openOutgoing();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.denial().reason, DenyReason::kNoCapacity);
  EXPECT_EQ(refused.denial().message, "the workload has 2 outgoing sockets open already");
  EXPECT_EQ(host->sockets.refused->value(), 1);
  EXPECT_TRUE(stranger.openOutgoing());
  other.closeOutgoing();
  EXPECT_TRUE(one.openOutgoing()) << "what was closed may be opened again";
}

TEST(GuestSocketsTest, WithoutAWorkloadsLimitAnyNumberGoesOut) {
  GuestSockets sockets({.sockets = 1, .files = 1}, nullptr, nullptr);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(sockets.openOutgoing());
  sockets.closeOutgoing();
}

TEST(GuestSocketsTest, FilesHaveLimitsOfTheirOwn) {
  MetricRegistry metrics;
  const auto host = std::make_shared<HostSockets>(OpenLimits{.sockets = 0, .files = 3}, metrics);
  GuestSockets one({.sockets = 0, .files = 2}, host, nullptr);
  GuestSockets other({.sockets = 0, .files = 2}, host, nullptr);
  EXPECT_FALSE(one.open());
  EXPECT_TRUE(one.openFile());
  EXPECT_TRUE(one.openFile());
  const Verdict own = one.openFile();
  ASSERT_FALSE(own);
  EXPECT_EQ(own.denial().reason, DenyReason::kNoCapacity);
  EXPECT_EQ(own.denial().message, "the component has 2 files open already");

  EXPECT_TRUE(other.openFile());
  const Verdict hosts = other.openFile();
  ASSERT_FALSE(hosts);
  EXPECT_EQ(hosts.denial().message, "the host has 3 files open already");
  EXPECT_EQ(host->files.open->value(), 3);
  EXPECT_EQ(host->files.refused->value(), 2);
  EXPECT_EQ(host->sockets.open->value(), 0);
  EXPECT_EQ(host->sockets.refused->value(), 1);

  one.closeFile();
  EXPECT_TRUE(other.openFile()) << "what was closed may be opened again";
  one.closeFile();
  other.closeFile();
  other.closeFile();
  EXPECT_EQ(host->files.open->value(), 0);
}

}  // namespace
}  // namespace nimbus::host
