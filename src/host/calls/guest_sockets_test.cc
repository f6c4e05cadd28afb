#include "host/calls/guest_sockets.h"

#include <gtest/gtest.h>

namespace nimbus::host {
namespace {

TEST(GuestSocketsTest, AComponentHasNoMoreThanItsOwnLimit) {
  MetricRegistry metrics;
  const auto host = std::make_shared<HostSockets>(10, metrics);
  GuestSockets sockets(2, host, nullptr);
  EXPECT_TRUE(sockets.open());
  EXPECT_TRUE(sockets.open());
  const Verdict refused = sockets.open();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.denial().reason, DenyReason::kNoCapacity);
  EXPECT_EQ(refused.denial().message, "the component has 2 sockets open already");
  EXPECT_EQ(host->open->value(), 2);
  EXPECT_EQ(host->refused->value(), 1);

  sockets.close();
  EXPECT_TRUE(sockets.open()) << "what was closed may be opened again";
}

TEST(GuestSocketsTest, AllComponentsTogetherHaveNoMoreThanTheHosts) {
  MetricRegistry metrics;
  const auto host = std::make_shared<HostSockets>(3, metrics);
  GuestSockets one(2, host, nullptr);
  GuestSockets other(2, host, nullptr);
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
  EXPECT_EQ(host->open->value(), 0);
}

TEST(GuestSocketsTest, WithoutAHostItsOwnLimitHolds) {
  GuestSockets sockets(1, nullptr, nullptr);
  EXPECT_TRUE(sockets.open());
  EXPECT_FALSE(sockets.open());
  sockets.close();
  EXPECT_TRUE(sockets.open());
}

TEST(GuestSocketsTest, AllComponentsOfAWorkloadGoOutNoMoreThanItMay) {
  MetricRegistry metrics;
  const auto host = std::make_shared<HostSockets>(10, metrics);
  const auto workload = std::make_shared<WorkloadSockets>(2);
  GuestSockets one(5, host, workload);
  GuestSockets other(5, host, workload);
  GuestSockets stranger(5, host, std::make_shared<WorkloadSockets>(2));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(one.open()) << "those that stay inside do not count";
  EXPECT_TRUE(one.openOutgoing());
  EXPECT_TRUE(other.openOutgoing());
  const Verdict refused = one.openOutgoing();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.denial().reason, DenyReason::kNoCapacity);
  EXPECT_EQ(refused.denial().message, "the workload has 2 outgoing sockets open already");
  EXPECT_EQ(host->refused->value(), 1);
  EXPECT_TRUE(stranger.openOutgoing());
  other.closeOutgoing();
  EXPECT_TRUE(one.openOutgoing()) << "what was closed may be opened again";
}

TEST(GuestSocketsTest, WithoutAWorkloadsLimitAnyNumberGoesOut) {
  GuestSockets sockets(1, nullptr, nullptr);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(sockets.openOutgoing());
  sockets.closeOutgoing();
}

}  // namespace
}  // namespace nimbus::host
