#include "host/calls/quota_lease.h"

#include <gtest/gtest.h>

namespace nimbus::host {
namespace {

TEST(QuotaLease, ASmallQuotaIsTakenOneByOne) {
  Quota quota(4);
  QuotaLease lease(quota, 2);
  EXPECT_TRUE(lease.take());
  EXPECT_EQ(quota.take(10), 3) << "nothing is kept in reserve";
  EXPECT_FALSE(lease.take());
  lease.give();
  EXPECT_EQ(quota.take(10), 1);
}

TEST(QuotaLease, ALargeQuotaIsTakenInBatches) {
  Quota quota(16 * 16);
  QuotaLease lease(quota, 1);
  EXPECT_TRUE(lease.take());
  EXPECT_EQ(quota.take(1000), 16 * 16 - 16);
  for (int i = 0; i < 15; ++i) EXPECT_TRUE(lease.take());
  EXPECT_FALSE(lease.take());
}

TEST(QuotaLease, TheReserveGoesBackWithTheLease) {
  Quota quota(16 * 16);
  {
    QuotaLease lease(quota, 1);
    EXPECT_TRUE(lease.take());
    lease.give();
  }
  EXPECT_EQ(quota.take(1000), 16 * 16);
}

TEST(QuotaLease, TheReserveIsBounded) {
  Quota quota(16 * 16);
  QuotaLease lease(quota, 1);
  for (int i = 0; i < 200; ++i) EXPECT_TRUE(lease.take());
  for (int i = 0; i < 200; ++i) lease.give();
  EXPECT_GE(quota.take(1000), 16 * 16 - 16);
}

}  // namespace
}  // namespace nimbus::host
