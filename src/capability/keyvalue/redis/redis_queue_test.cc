#include "capability/keyvalue/redis/redis_queue.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "capability/keyvalue/test_results.h"
#include "net/shard.h"

namespace nimbus::keyvalue {
namespace {

TEST(RedisQueue, BoundsTheBytesThatAreUnderWay) {
  auto group = net::ShardGroup::start(1);
  ASSERT_TRUE(group);
  net::Shard& shard = (**group)[0];
  const Bytes large = Bytes::take(std::string(16 << 20, 'v'));
  RedisQueue queue;
  const auto add = [&] {
    return queue.add(std::make_shared<RedisCall>(shard, RedisCommand{.words = {large}}));
  };
  EXPECT_EQ(add(), true);
  for (int i = 0; i < 14; ++i) EXPECT_EQ(add(), false);
  const auto refused = add();
  EXPECT_EQ(codeOf(refused), ErrorCode::kUnavailable);
  // Those that end make room.
  const RedisCalls taken = queue.take();
  EXPECT_EQ(taken.size(), 15U);
  queue.drop(*taken.front());
  EXPECT_EQ(add(), true);
  EXPECT_FALSE(add());
  EXPECT_EQ(queue.setProblem(Error(ErrorCode::kUnavailable, "gone")).size(), 1U);
  const auto gone = add();
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().message(), "gone");
  EXPECT_TRUE(queue.setProblem(std::nullopt).empty());
  // What would never fit.
  const RedisCommand huge{.words = std::vector<Bytes>(17, large)};
  EXPECT_EQ(codeOf(queue.add(std::make_shared<RedisCall>(shard, huge))),
            ErrorCode::kInvalidArgument);
}

TEST(RedisQueue, BoundsTheCallsThatAreUnderWay) {
  auto group = net::ShardGroup::start(1);
  ASSERT_TRUE(group);
  RedisQueue queue;
  Result<bool> added = true;
  std::size_t count = 0;
  for (; added && count < 100'000; ++count)
    added = queue.add(std::make_shared<RedisCall>((**group)[0], RedisCommand()));
  EXPECT_EQ(count, 65'537U);
}

}  // namespace
}  // namespace nimbus::keyvalue
