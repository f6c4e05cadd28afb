#include "wrpc/channel_table.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "base/sync.h"
#include "net/test_support.h"

namespace nimbus::wrpc {
namespace {

using net::Shard;

class ChannelTableTest : public net::ShardTest {};

ChannelLimits smallLimits() {
  return {
      .max_path_depth = 4, .max_channels = 3, .read_ahead_bytes = 8, .max_undelivered_bytes = 16};
}

ByteView text(std::string_view bytes) { return asBytes(bytes); }

// What is there at once: the bytes, "(end)", "(wait)", or the error's code.
std::string readNow(ByteSource& source) {
  auto piece = source.read();
  if (!piece.ready()) return "(wait)";
  auto result = piece.take();
  if (!result) return std::string(errorCodeName(result.error().code()));
  if (!*result) return "(end)";
  return std::string(asText((*result)->flatten()));
}

Task<void> record(ByteSource& source, std::optional<std::string>& into) {
  auto piece = co_await source.read();
  if (!piece) {
    into = errorCodeName(piece.error().code());
  } else {
    into = *piece ? std::string(asText((**piece).flatten())) : "(end)";
  }
}

TEST_F(ChannelTableTest, DeliversWhatCameBeforeAnybodyTookThePath) {
  run([](Shard& shard) -> Task<void> {
    ChannelTable table(shard, {});
    EXPECT_TRUE(table.push({0, 1}, text("ab")));
    EXPECT_TRUE(table.push({0, 1}, Bytes::copyOf("cd")));
    auto source = table.take({0, 1});
    EXPECT_EQ(readNow(*source), "abcd");
    EXPECT_EQ(readNow(*source), "(wait)");
    co_return;
  });
}

TEST_F(ChannelTableTest, WakesAReaderThatTookThePathFirst) {
  run([](Shard& shard) -> Task<void> {
    ChannelTable table(shard, {});
    auto source = table.take({7});
    std::optional<std::string> got;
    TaskSet tasks;
    tasks.spawn(record(*source, got));
    EXPECT_TRUE(table.push({7}, text("x")));
    EXPECT_FALSE(got) << "nobody is resumed from within push()";
    co_await tasks.empty();
    EXPECT_EQ(got, "x");
  });
}

TEST_F(ChannelTableTest, GivesEachPathOnce) {
  run([](Shard& shard) -> Task<void> {
    ChannelTable table(shard, smallLimits());
    const auto first = table.take({0});
    EXPECT_NE(first, nullptr);
    EXPECT_EQ(table.take({0}), nullptr);
    EXPECT_EQ(table.take({0, 0, 0, 0, 0}), nullptr) << "deeper than allowed";
    co_return;
  });
}

TEST_F(ChannelTableTest, EndsChannelsWithTheDirectionAfterWhatHasArrived) {
  run([](Shard& shard) -> Task<void> {
    ChannelTable table(shard, {});
    EXPECT_TRUE(table.push({0}, text("last")));
    table.finish();
    auto source = table.take({0});
    auto silent = table.take({1});
    EXPECT_EQ(readNow(*source), "last");
    EXPECT_EQ(readNow(*source), "(end)");
    EXPECT_EQ(readNow(*silent), "(end)");
    co_return;
  });
}

TEST_F(ChannelTableTest, ReportsAFailureAfterWhatHasArrived) {
  run([](Shard& shard) -> Task<void> {
    ChannelTable table(shard, {});
    EXPECT_TRUE(table.push({0}, text("last")));
    table.fail(Error(ErrorCode::kProtocol, "it broke off"));
    table.finish();
    auto source = table.take({0});
    EXPECT_EQ(readNow(*source), "last");
    EXPECT_EQ(readNow(*source), errorCodeName(ErrorCode::kProtocol));
    co_return;
  });
}

TEST_F(ChannelTableTest, LetsReadersOutliveIt) {
  run([](Shard& shard) -> Task<void> {
    std::unique_ptr<ByteSource> source;
    std::unique_ptr<ChannelSource> channels;
    std::optional<std::string> got;
    TaskSet tasks;
    {
      ChannelTable table(shard, {});
      source = table.take({0});
      channels = table.source();
      tasks.spawn(record(*source, got));
    }
    co_await tasks.empty();
    EXPECT_EQ(got, errorCodeName(ErrorCode::kCancelled));
    auto next = co_await channels->next();
    EXPECT_FALSE(next);
  });
}

TEST_F(ChannelTableTest, EndsOneChannelAlone) {
  run([](Shard& shard) -> Task<void> {
    ChannelTable table(shard, {});
    EXPECT_TRUE(table.push({0}, text("x")));
    EXPECT_TRUE(table.end({0}));
    EXPECT_TRUE(table.end({0}));
    auto source = table.take({0});
    EXPECT_EQ(readNow(*source), "x");
    EXPECT_EQ(readNow(*source), "(end)");
    const auto late = table.push({0}, text("y"));
    EXPECT_EQ(late.error().code(), ErrorCode::kProtocol);
    auto other = table.take({1});
    EXPECT_EQ(readNow(*other), "(wait)");
    co_return;
  });
}

TEST_F(ChannelTableTest, NamesChannelsToARelayInTheOrderOfTheirFirstBytes) {
  run([](Shard& shard) -> Task<void> {
    ChannelTable table(shard, {});
    auto channels = table.source();
    EXPECT_TRUE(table.push({2}, text("b")));
    EXPECT_TRUE(table.push({1}, text("a")));
    EXPECT_TRUE(table.push({2}, text("b")));
    const auto taken = channels->take({1});
    auto next = co_await channels->next();
    EXPECT_EQ((**next).path, IndexPath{2});
    EXPECT_EQ(readNow(*(**next).source), "bb");
    table.finish();
    auto after = co_await channels->next();
    EXPECT_TRUE(after && !*after) << "the other was taken by its path";
  });
}

Task<void> recordNext(ChannelSource& channels, std::optional<Channel>& into) {
  auto next = co_await channels.next();
  if (next && *next) into = *std::move(next);
}

TEST_F(ChannelTableTest, WakesARelayThatWaits) {
  run([](Shard& shard) -> Task<void> {
    ChannelTable table(shard, {});
    auto channels = table.source();
    std::optional<Channel> got;
    TaskSet tasks;
    tasks.spawn(recordNext(*channels, got));
    EXPECT_TRUE(table.push({3}, text("x")));
    co_await tasks.empty();
    EXPECT_EQ(got->path, IndexPath{3});
  });
}

TEST_F(ChannelTableTest, StopsReceivingWhenNobodyReads) {
  run([](Shard& shard) -> Task<void> {
    ChannelTable table(shard, smallLimits());
    auto source = table.take({0});
    EXPECT_TRUE(table.push({0}, text("12345678")));
    EXPECT_FALSE(table.wantsMore());
    TaskSet tasks;
    tasks.spawn(table.room());
    EXPECT_EQ(tasks.size(), 1u);
    EXPECT_EQ(readNow(*source), "12345678");
    co_await tasks.empty();
    EXPECT_TRUE(table.wantsMore());
  });
}

TEST_F(ChannelTableTest, GoesOnReceivingForAReaderOfAnotherChannel) {
  run([](Shard& shard) -> Task<void> {
    ChannelTable table(shard, smallLimits());
    auto slow = table.take({0});
    auto eager = table.take({1});
    EXPECT_TRUE(table.push({0}, text("12345678")));
    TaskSet transport;
    transport.spawn(table.room());
    std::optional<std::string> got;
    TaskSet readers;
    readers.spawn(record(*eager, got));
    EXPECT_TRUE(table.wantsMore());
    co_await transport.empty();
    EXPECT_TRUE(table.push({0}, text("12345678")));
    EXPECT_FALSE(table.wantsMore()) << "not without bound";
    EXPECT_EQ(table.push({1}, text("x")).error().code(), ErrorCode::kResourceExhausted);
    EXPECT_EQ(table.undeliveredBytes(), 16u);
  });
}

TEST_F(ChannelTableTest, LetsGoWhatADroppedReaderWouldGet) {
  run([](Shard& shard) -> Task<void> {
    ChannelTable table(shard, smallLimits());
    auto kept = table.take({1});
    auto source = table.take({0});
    EXPECT_TRUE(table.push({0}, text("12345678")));
    source.reset();
    EXPECT_EQ(table.undeliveredBytes(), 0u);
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(table.push({0}, text("12345678")));
    EXPECT_EQ(table.undeliveredBytes(), 0u);
    co_return;
  });
}

TEST_F(ChannelTableTest, LetsGoWhatNobodyCanTakeAnyMore) {
  run([](Shard& shard) -> Task<void> {
    ChannelTable table(shard, smallLimits());
    auto channels = table.source();
    const auto kept = channels->take({0});
    EXPECT_TRUE(table.push({1}, text("12345678")));
    channels.reset();
    EXPECT_EQ(table.undeliveredBytes(), 0u);
    for (std::uint32_t i = 1; i < 100; ++i) EXPECT_TRUE(table.push({i}, text("12345678")));
    EXPECT_EQ(table.undeliveredBytes(), 0u);
    EXPECT_FALSE(table.abandoned());
    co_return;
  });
}

TEST_F(ChannelTableTest, TellsWhenNobodyIsInterestedAnyMore) {
  run([](Shard& shard) -> Task<void> {
    ChannelTable table(shard, {});
    auto channels = table.source();
    auto source = channels->take({0});
    TaskSet tasks;
    tasks.spawn(table.untilAbandoned());
    channels.reset();
    co_await shard.sleepFor(std::chrono::milliseconds(1));
    EXPECT_EQ(tasks.size(), 1u);
    source.reset();
    co_await tasks.empty();
  });
}

TEST_F(ChannelTableTest, LimitsHowManyChannelsAreOpen) {
  run([](Shard& shard) -> Task<void> {
    ChannelTable table(shard, smallLimits());
    for (std::uint32_t i = 0; i < 3; ++i) EXPECT_TRUE(table.push({i}, text("x")));
    EXPECT_EQ(table.push({3}, text("x")).error().code(), ErrorCode::kResourceExhausted);
    EXPECT_EQ(table.take({3}), nullptr);
    // One after the other there may be any number.
    for (std::uint32_t i = 0; i < 3; ++i) (void)table.take({i});
    for (std::uint32_t i = 4; i < 100; ++i) {
      EXPECT_TRUE(table.push({i}, text("x")));
      EXPECT_EQ(readNow(*table.take({i})), "x");
    }
    co_return;
  });
}

TEST_F(ChannelTableTest, RefusesPathsThatAreTooDeep) {
  run([](Shard& shard) -> Task<void> {
    ChannelTable table(shard, smallLimits());
    EXPECT_EQ(table.push({0, 0, 0, 0, 0}, text("x")).error().code(), ErrorCode::kProtocol);
    co_return;
  });
}

// A reader that a push wakes ends the transport, and the transport's end the other readers.
TEST_F(ChannelTableTest, SurvivesAReaderThatEndsEverything) {
  run([](Shard& shard) -> Task<void> {
    std::optional<ChannelTable> table(std::in_place, shard, ChannelLimits{});
    auto source = table->take({0});
    auto other = table->take({1});
    std::optional<std::string> got;
    TaskSet others;
    others.spawn(record(*other, got));
    TaskSet tasks;
    tasks.spawn([](ByteSource& from, std::optional<ChannelTable>& ended) -> Task<void> {
      (void)co_await from.read();
      ended.reset();
    }(*source, table));
    EXPECT_TRUE(table->push({0}, text("x")));
    co_await tasks.empty();
    source.reset();
    co_await others.empty();
    EXPECT_EQ(got, errorCodeName(ErrorCode::kCancelled));
  });
}

TEST_F(ChannelTableTest, SharesABudgetWithOtherCalls) {
  run([](Shard& shard) -> Task<void> {
    const auto budget = std::make_shared<ByteBudget>(12);
    {
      ChannelTable one(shard, smallLimits(), budget);
      ChannelTable other(shard, smallLimits(), budget);
      const auto first = one.take({0});
      const auto second = other.take({0});
      EXPECT_TRUE(one.push({0}, text("123456")));
      EXPECT_FALSE(one.wantsMore()) << "its reader has something, and little is left for others";
      EXPECT_TRUE(other.wantsMore()) << "its reader would have nothing";
      EXPECT_TRUE(other.push({0}, text("123456")));
      EXPECT_EQ(other.push({0}, text("7")).error().code(), ErrorCode::kResourceExhausted);
      EXPECT_EQ(readNow(*first), "123456");
      EXPECT_EQ(budget->usedBytes(), 6U);
      EXPECT_TRUE(other.push({0}, text("7")));
      EXPECT_TRUE(one.push({1}, text("other"))) << "that nobody reads";
      EXPECT_EQ(one.push({0}, text("1")).error().code(), ErrorCode::kResourceExhausted);
    }
    EXPECT_EQ(budget->usedBytes(), 0U);
    co_return;
  });
}

TEST_F(ChannelTableTest, GoesOnReceivingWhenTheReaderHasMadeRoomInTheBudget) {
  run([](Shard& shard) -> Task<void> {
    const auto budget = std::make_shared<ByteBudget>(12);
    ChannelTable table(shard, smallLimits(), budget);
    const auto source = table.take({0});
    EXPECT_TRUE(table.push({0}, text("123456")));
    bool room = false;
    TaskSet tasks;
    tasks.spawn([](ChannelTable& of, bool& there) -> Task<void> {
      co_await of.room();
      there = true;
    }(table, room));
    EXPECT_FALSE(room);
    EXPECT_EQ(readNow(*source), "123456");
    co_await tasks.empty();
    EXPECT_TRUE(room);
  });
}

}  // namespace
}  // namespace nimbus::wrpc
