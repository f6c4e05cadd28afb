#include "host/calls/guest_sockets.h"

#include <gtest/gtest.h>

namespace nimbus::host {
namespace {

TEST(GuestSocketsTest, AComponentHasNoMoreThanItsOwnLimit) {
  MetricRegistry metrics;
  const auto host = std::make_shared<HostSockets>(10, metrics);
  GuestSockets sockets(2, host);
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
  GuestSockets one(2, host);
  GuestSockets other(2, host);
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
  GuestSockets sockets(1, nullptr);
  EXPECT_TRUE(sockets.open());
  EXPECT_FALSE(sockets.open());
  sockets.close();
  EXPECT_TRUE(sockets.open());
}

}  // namespace
}  // namespace nimbus::host
