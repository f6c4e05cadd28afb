#include "capability/keyvalue/memory/memory_store.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "capability/keyvalue/limits.h"

namespace nimbus::keyvalue {
namespace {

std::shared_ptr<Bucket> bucketOf(Keyspace& keyspace) { return *keyspace.open("bucket").take(); }

TEST(MemoryStore, EveryCallCompletesAtOnce) {
  MemoryStore store({});
  const auto bucket = bucketOf(*store.keyspace("k"));
  EXPECT_TRUE(bucket->set("key", asBytes("value")).ready());
  EXPECT_TRUE(bucket->get("key").ready());
  EXPECT_TRUE(bucket->exists("key").ready());
  EXPECT_TRUE(bucket->increment("n", 1).ready());
  EXPECT_TRUE(bucket->listKeys({}).ready());
  EXPECT_TRUE(bucket->getMany({"key"}).ready());
  EXPECT_TRUE(bucket->setMany({}).ready());
  EXPECT_TRUE(bucket->removeMany({"key"}).ready());
  EXPECT_TRUE(bucket->remove("key").ready());
}

TEST(MemoryStore, ForgetsAKeyspaceWithItsLastUser) {
  MemoryStore store({});
  auto keyspace = store.keyspace("k");
  auto bucket = bucketOf(*keyspace);
  ASSERT_TRUE(bucket->set("key", asBytes("value")).take());
  keyspace.reset();
  EXPECT_TRUE(bucketOf(*store.keyspace("k"))->exists("key").take().value());  // the bucket uses it
  bucket.reset();
  EXPECT_EQ(store.usedBytes(), 0U);
  EXPECT_FALSE(bucketOf(*store.keyspace("k"))->exists("key").take().value());
}

TEST(MemoryStore, CanKeepItsKeyspaces) {
  MemoryStore store({.lifetime = MemoryStoreOptions::Lifetime::kOfTheStore});
  ASSERT_TRUE(bucketOf(*store.keyspace("k"))->set("key", {}).take());
  EXPECT_TRUE(bucketOf(*store.keyspace("k"))->exists("key").take().value());
}

TEST(MemoryStore, BoundsAllKeyspacesTogether) {
  MemoryStore store({.max_bytes = 2 * (kMemoryBucketBytes + entryCost(1, 100))});
  const std::string value(100, 'v');
  const auto a = bucketOf(*store.keyspace("a"));
  const auto b = bucketOf(*store.keyspace("b"));
  ASSERT_TRUE(a->set("1", asBytes(value)).take());
  ASSERT_TRUE(b->set("1", asBytes(value)).take());
  const auto refused = b->set("2", {}).take();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kResourceExhausted);
  EXPECT_EQ(refused.error().message(),
            "the 33226 bytes that all who share this store have are used up");
  EXPECT_EQ(a->increment("n", 1).take().error().code(), ErrorCode::kResourceExhausted);
  ASSERT_TRUE(a->remove("1").take());
  EXPECT_TRUE(b->set("2", {}).take());
}

TEST(MemoryStore, CountsWhatItHolds) {
  MemoryStore store({});
  const auto bucket = bucketOf(*store.keyspace("k"));
  ASSERT_TRUE(bucket->set("abc", asBytes("12345")).take());
  EXPECT_EQ(store.usedBytes(), kMemoryBucketBytes + entryCost(3, 5));
  std::vector<Entry> entries;
  entries.push_back({"abc", Bytes::copyOf("1")});
  entries.push_back({"d", Bytes::copyOf("22")});
  ASSERT_TRUE(bucket->setMany(std::move(entries)).take());
  EXPECT_EQ(store.usedBytes(), kMemoryBucketBytes + entryCost(3, 1) + entryCost(1, 2));
  ASSERT_TRUE(bucket->removeMany({"abc", "d"}).take());
  EXPECT_EQ(store.usedBytes(), kMemoryBucketBytes);
}

TEST(MemoryStore, BoundsTheBucketsOfAKeyspaceAndWhatTheyCost) {
  MemoryStore store({});
  const auto keyspace = store.keyspace("k");
  for (std::size_t i = 0; i < kMaxMemoryBuckets; ++i)
    ASSERT_TRUE(keyspace->open(std::to_string(i)).take());
  EXPECT_EQ(store.usedBytes(), kMaxMemoryBuckets * kMemoryBucketBytes);
  EXPECT_EQ(keyspace->open("one more").take().error().code(), ErrorCode::kResourceExhausted);
  EXPECT_TRUE(keyspace->open("0").take());

  MemoryStore full({.max_bytes = kMemoryBucketBytes});
  const auto small = full.keyspace("k");
  ASSERT_TRUE(small->open("a").take());
  EXPECT_EQ(small->open("b").take().error().code(), ErrorCode::kResourceExhausted);
  EXPECT_EQ(full.usedBytes(), kMemoryBucketBytes);
}

TEST(MemoryStore, CountsEachIncrementOfSeveralThreads) {
  MemoryStore store({});
  const auto bucket = bucketOf(*store.keyspace("k"));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&bucket] {
      for (int n = 0; n < 5000; ++n) {
        ASSERT_TRUE(bucket->increment("n" + std::to_string(n % 8), 1).take());
        ASSERT_TRUE(bucket->set("s" + std::to_string(n % 100), asBytes("x")).take());
        ASSERT_TRUE(bucket->remove("s" + std::to_string(n % 50)).take());
        ASSERT_TRUE(bucket->listKeys({}).take());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::uint64_t sum = 0;
  for (int n = 0; n < 8; ++n) sum += bucket->increment("n" + std::to_string(n), 0).take().value();
  EXPECT_EQ(sum, 4U * 5000);
}

}  // namespace
}  // namespace nimbus::keyvalue
