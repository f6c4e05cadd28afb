#include "host/deploy/expiring_map.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace nimbus::host {
namespace {

TEST(ExpiringMapTest, KeepsWhatLivesAndSweepsTheRest) {
  ExpiringMap<std::weak_ptr<int>> map;
  std::vector<std::shared_ptr<int>> alive;
  for (int i = 0; i < 10'000; ++i) {
    const auto value = std::make_shared<int>(i);
    map[std::to_string(i)] = value;
    if (i % 100 == 0) alive.push_back(value);
  }
  EXPECT_LT(map.size(), 300U);
  for (const auto& value : alive) EXPECT_EQ(map[std::to_string(*value)].lock(), value);
}

}  // namespace
}  // namespace nimbus::host
