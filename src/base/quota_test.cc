#include "base/quota.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace nimbus {
namespace {

TEST(Quota, GivesAsManyAsAreFree) {
  Quota quota(5);
  EXPECT_EQ(quota.take(3), 3);
  EXPECT_EQ(quota.take(3), 2);
  EXPECT_EQ(quota.take(1), 0);
  quota.give(4);
  EXPECT_EQ(quota.take(10), 4);
  EXPECT_EQ(quota.limit(), 5);
}

TEST(Quota, CallsBackOnceWhenSomethingIsFree) {
  Quota quota(1);
  EXPECT_EQ(quota.take(1), 1);
  int told = 0;
  quota.notifyOnce([&] { ++told; });
  EXPECT_EQ(told, 0);
  quota.give(1);
  EXPECT_EQ(told, 1);
  EXPECT_EQ(quota.take(1), 1);
  quota.give(1);
  EXPECT_EQ(told, 1);
}

TEST(Quota, CallsBackAtOnceIfSomethingIsFreeAlready) {
  Quota quota(1);
  int told = 0;
  quota.notifyOnce([&] { ++told; });
  EXPECT_EQ(told, 1);
}

TEST(Quota, HandsOverToSomebodyElseWhoWaitsUnderAName) {
  Quota quota(1);
  EXPECT_EQ(quota.take(1), 1);
  const int own = 0;
  const int other = 0;
  std::vector<std::string> told;
  quota.notifyOnce([&] { told.emplace_back("nameless"); });
  quota.notifyOnce(&own, [&](bool handed) { told.push_back(handed ? "own handed" : "own free"); });
  EXPECT_FALSE(quota.othersWait(&own));
  EXPECT_FALSE(quota.handOver(&own));
  EXPECT_TRUE(quota.othersWait(&other));
  EXPECT_TRUE(quota.handOver(&other));
  EXPECT_EQ(told, (std::vector<std::string>{"own handed"}));
  EXPECT_FALSE(quota.handOver(&other));
  EXPECT_EQ(quota.take(1), 0) << "who was told has it";
  quota.give(1);
  EXPECT_EQ(told, (std::vector<std::string>{"own handed", "nameless"}));
}

TEST(Quota, WhatIsTakenAnywayIsMissingLater) {
  Quota quota(1);
  EXPECT_EQ(quota.take(1), 1);
  quota.takeAnyway(1);
  quota.give(1);
  EXPECT_FALSE(quota.anyFree());
  EXPECT_EQ(quota.take(1), 0);
  quota.give(1);
  EXPECT_TRUE(quota.anyFree());
  EXPECT_EQ(quota.take(1), 1);
}

TEST(Quota, NeverGivesMoreThanItHasToManyThreads) {
  constexpr std::uint64_t kLimit = 7;
  Quota quota(kLimit);
  std::atomic<std::uint64_t> taken{0};
  std::atomic<std::uint64_t> most{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int round = 0; round < 5000; ++round) {
          const std::uint64_t got = quota.take(3);
          const std::uint64_t now = taken.fetch_add(got) + got;
          std::uint64_t seen = most.load();
          while (now > seen && !most.compare_exchange_weak(seen, now)) {
          }
          taken.fetch_sub(got);
          quota.give(got);
        }
      });
    }
  }
  EXPECT_LE(most, kLimit);
  EXPECT_EQ(quota.take(100), kLimit);
}

}  // namespace
}  // namespace nimbus
