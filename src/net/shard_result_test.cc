#include "net/shard_result.h"

#include <gtest/gtest.h>

#include <memory>

namespace nimbus::net {
namespace {

TEST(ShardResultTest, IsWhatTheWorkGaveOnTheShardsThread) {
  const auto group = ShardGroup::start(2).value();
  for (std::size_t index = 0; index < 2; ++index) {
    const std::unique_ptr<Shard*> ran =
        resultOn(*group, index, [](Shard&) { return std::make_unique<Shard*>(Shard::current()); });
    EXPECT_EQ(*ran, &(*group)[index]);
  }
}

}  // namespace
}  // namespace nimbus::net
