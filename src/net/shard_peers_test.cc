#include "net/shard_peers.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "net/test_support.h"

namespace nimbus::net {
namespace {

class ShardPeersTest : public ShardTest {};

TEST_F(ShardPeersTest, AskingReachesAllOthersThatAreStillThere) {
  run([](Shard& shard) -> Task<void> {
    ShardPeers peers;
    std::vector<std::string> asked;
    const auto member = [&](const char* name) {
      return peers.join(shard, [&asked, name](const std::string& what) {
        asked.push_back(std::string(name) + " " + what);
      });
    };
    const auto one = member("one");
    auto gone = member("gone");
    const auto two = member("two");
    auto last = member("last");
    gone.reset();
    one->askOthers("first");
    EXPECT_TRUE(asked.empty()) << "in a later turn";
    last.reset();  // it was asked, and is not told
    co_await shard.sleepFor(std::chrono::milliseconds(1));
    two->askOthers("second");
    co_await shard.sleepFor(std::chrono::milliseconds(1));
    EXPECT_EQ(asked, (std::vector<std::string>{"two first", "one second"}));
  });
}

}  // namespace
}  // namespace nimbus::net
