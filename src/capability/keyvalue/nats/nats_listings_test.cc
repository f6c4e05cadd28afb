#include "capability/keyvalue/nats/nats_listings.h"

#include <gtest/gtest.h>

#include "capability/keyvalue/limits.h"
#include "capability/keyvalue/test_results.h"

namespace nimbus::keyvalue {
namespace {

NatsKeys keysOf(std::size_t count, std::uint64_t hash_step, std::size_t text_bytes = 1) {
  NatsKeys keys;
  for (std::size_t i = 0; i < count; ++i)
    keys.sorted.push_back({(i + 1) * hash_step, std::string(text_bytes, 'k') + std::to_string(i)});
  return keys;
}

TEST(NatsPage, EndsByItsCountAndTheNextBeginsThere) {
  const NatsKeys keys = keysOf(kMaxPageKeys + 5, 1 << 16);
  const auto first = cutNatsPage(keys, 0);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->keys.size(), kMaxPageKeys);
  ASSERT_TRUE(first->cursor);
  const auto second = cutNatsPage(keys, *first->cursor);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->keys.size(), 5U);
  EXPECT_EQ(second->keys.front(), "k" + std::to_string(kMaxPageKeys));
  EXPECT_FALSE(second->cursor);
}

TEST(NatsPage, EndsByItsBytes) {
  const auto page = cutNatsPage(keysOf(100, 1 << 16, 4000), 0);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->keys.size(), kMaxPageBytes / 4001 + 1);
  EXPECT_TRUE(page->cursor);
}

TEST(NatsPage, KeepsKeysOfOneHashTogether) {
  NatsKeys keys = keysOf(kMaxPageKeys + 1, 1 << 16);
  keys.sorted[kMaxPageKeys].hash = keys.sorted[kMaxPageKeys - 1].hash;
  const auto first = cutNatsPage(keys, 0);
  ASSERT_TRUE(first && first->cursor);
  EXPECT_EQ(first->keys.size(), kMaxPageKeys - 1);
  const auto second = cutNatsPage(keys, *first->cursor);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->keys.size(), 2U);
}

TEST(NatsPage, RefusesMoreOfOneHashThanItHolds) {
  const auto page = cutNatsPage(keysOf(kMaxPageKeys + 1, 0), 0);
  ASSERT_FALSE(page);
  EXPECT_EQ(codeOf(page), ErrorCode::kResourceExhausted);
}

TEST(NatsPage, IsEmptyBeyondTheLastKey) {
  const auto page = cutNatsPage(keysOf(3, 1 << 16), ~std::uint64_t{0});
  ASSERT_TRUE(page);
  EXPECT_TRUE(page->keys.empty());
  EXPECT_FALSE(page->cursor);
}

}  // namespace
}  // namespace nimbus::keyvalue
