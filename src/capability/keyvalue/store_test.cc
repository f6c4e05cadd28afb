// What every backend does.

#include "capability/keyvalue/store.h"

#include <set>

#include "base/sync.h"
#include "capability/keyvalue/conformance_cases.h"
#include "capability/keyvalue/limits.h"
#include "capability/keyvalue/memory/memory_store.h"
#include "capability/keyvalue/redis/redis_store.h"
#include "capability/keyvalue/redis/test_redis_server.h"
#include "capability/keyvalue/sqlite/sqlite_store.h"
#include "net/test_support.h"

namespace nimbus::keyvalue {
namespace {

enum class Backend { kMemory, kSqlite, kRedis };

class StoreTest : public net::ShardTest, public ::testing::WithParamInterface<Backend> {
 protected:
  void SetUp() override {
    ShardTest::SetUp();
    auto opened = open();
    ASSERT_TRUE(opened) << opened.error().describe();
    store_ = std::move(*opened);
    keyspace_ = store_->keyspace("default/shop");
  }
  void TearDown() override {
    keyspace_.reset();
    store_.reset();
    ShardTest::TearDown();
  }

  Result<std::unique_ptr<Store>> open() {
    switch (GetParam()) {
      case Backend::kSqlite: return SqliteStore::open({.path = folder_.path("test.sqlite")});
      case Backend::kRedis: server_.emplace(); return RedisStore::open({.url = server_->url()});
      case Backend::kMemory: break;
    }
    return std::make_unique<MemoryStore>(MemoryStoreOptions());
  }

  using Work = std::move_only_function<Task<void>(Bucket&)>;
  // Runs the work with a bucket that it has for itself.
  void inBucket(Work work) {
    run([&](net::Shard&) -> Task<void> {
      auto bucket = co_await keyspace_->open("bucket");
      EXPECT_TRUE(bucket);
      co_await work(**bucket);
    });
  }

  TemporaryFolder folder_;
  std::optional<TestRedisServer> server_;
  std::unique_ptr<Store> store_;
  std::shared_ptr<Keyspace> keyspace_;
};

TEST_P(StoreTest, Conforms) {
  run([&](net::Shard&) -> Task<void> {
    for (const Conformance::Case& what : Conformance::cases()) {
      SCOPED_TRACE(what.name);
      co_await Conformance::run(*keyspace_, what);
    }
  });
}

TEST_P(StoreTest, KeepsBucketsAndKeyspacesApart) {
  auto other_keyspace = store_->keyspace("default/other");
  run([&](net::Shard&) -> Task<void> {
    auto a = co_await keyspace_->open("a");
    auto b = co_await keyspace_->open("b");
    auto others = co_await other_keyspace->open("a");
    auto again = co_await keyspace_->open("a");
    EXPECT_TRUE(co_await (*a)->set("k", asBytes("mine")));
    EXPECT_EQ(textOf(co_await (*b)->get("k")), "nothing");
    EXPECT_EQ(textOf(co_await (*others)->get("k")), "nothing");
    EXPECT_EQ(textOf(co_await (*again)->get("k")), "mine");
  });
}

TEST_P(StoreTest, GivesTheSameKeyspaceForTheSameName) {
  auto again = store_->keyspace("default/shop");
  run([&](net::Shard&) -> Task<void> {
    auto a = co_await keyspace_->open("a");
    auto b = co_await again->open("a");
    EXPECT_TRUE(co_await (*a)->set("k", asBytes("v")));
    EXPECT_EQ(textOf(co_await (*b)->get("k")), "v");
  });
}

TEST_P(StoreTest, CountsUpTo64Bits) {
  inBucket([](Bucket& bucket) -> Task<void> {
    EXPECT_TRUE(co_await bucket.set("n", asBytes("18446744073709551614")));
    EXPECT_EQ(co_await bucket.increment("n", 1), 18446744073709551615U);
  });
}

TEST_P(StoreTest, TakesEmptyKeysAndThoseWithZeroBytes) {
  inBucket([](Bucket& bucket) -> Task<void> {
    const std::string key("a\0b", 3);
    EXPECT_TRUE(co_await bucket.set(key, asBytes("1")));
    EXPECT_TRUE(co_await bucket.set("", asBytes("2")));
    EXPECT_EQ(textOf(co_await bucket.get(key)), "1");
    EXPECT_EQ(textOf(co_await bucket.get("")), "2");
    EXPECT_EQ(textOf(co_await bucket.get("a")), "nothing");
    EXPECT_EQ(co_await allKeys(bucket), (std::set<std::string>{"", key}));
  });
}

TEST_P(StoreTest, RefusesToCountBeyond64BitsAndWhatIsNoNumber) {
  inBucket([](Bucket& bucket) -> Task<void> {
    EXPECT_TRUE(co_await bucket.set("n", asBytes("18446744073709551615")));
    EXPECT_EQ((co_await bucket.increment("n", 1)).error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(textOf(co_await bucket.get("n")), "18446744073709551615");
    EXPECT_TRUE(co_await bucket.set("n", asBytes("ten")));
    EXPECT_EQ((co_await bucket.increment("n", 1)).error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(textOf(co_await bucket.get("n")), "ten");
  });
}

TEST_P(StoreTest, CountsEachOfManyIncrementsAtOnce) {
  inBucket([](Bucket& bucket) -> Task<void> {
    TaskSet tasks;
    std::set<std::uint64_t> results;
    const auto increment = [](Bucket& counted, std::set<std::uint64_t>& seen) -> Task<void> {
      const auto result = co_await counted.increment("n", 1);
      EXPECT_TRUE(result);
      seen.insert(result.value_or(0));
    };
    for (int i = 0; i < 200; ++i) tasks.spawn(increment(bucket, results));
    co_await tasks.empty();
    EXPECT_EQ(results.size(), 200U);
    EXPECT_EQ(textOf(co_await bucket.get("n")), "200");
  });
}

TEST_P(StoreTest, ListsEachKeyOnceWhateverIsWrittenMeanwhile) {
  inBucket([](Bucket& bucket) -> Task<void> {
    std::vector<Entry> entries;
    for (int i = 0; i < 2500; ++i) entries.push_back({"key-" + std::to_string(i), {}});
    EXPECT_TRUE(co_await bucket.setMany(std::move(entries)));
    std::set<std::string> seen;
    std::optional<std::uint64_t> cursor;
    int pages = 0;
    do {
      auto page = co_await bucket.listKeys(cursor);
      EXPECT_TRUE(page);
      EXPECT_LE(page->keys.size(), kMaxPageKeys);
      for (const std::string& key : page->keys)
        if (key.starts_with("key-")) EXPECT_TRUE(seen.insert(key).second) << key;
      cursor = page->cursor;
      // Values change, new keys come, and some that were listed go.
      EXPECT_TRUE(co_await bucket.set("key-7", asBytes(std::to_string(pages))));
      EXPECT_TRUE(co_await bucket.set("new-" + std::to_string(pages), {}));
      EXPECT_TRUE(co_await bucket.remove(page->keys.front()));
      pages += 1;
    } while (cursor);
    EXPECT_GE(pages, 3);
    EXPECT_EQ(seen.size(), 2500U);
  });
}

TEST_P(StoreTest, ListsAnEmptyBucketAndAnyCursor) {
  inBucket([](Bucket& bucket) -> Task<void> {
    for (const std::uint64_t cursor :
         {std::uint64_t{0}, std::uint64_t{1} << 32, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
      auto page = co_await bucket.listKeys(cursor);
      EXPECT_TRUE(page);
      EXPECT_TRUE(page->keys.empty());
      EXPECT_FALSE(page->cursor);
    }
  });
}

TEST_P(StoreTest, EndsAPageByItsBytes) {
  inBucket([](Bucket& bucket) -> Task<void> {
    for (int i = 0; i < 100; ++i)
      EXPECT_TRUE(co_await bucket.set(std::to_string(i) + std::string(4000, 'k'), {}));
    auto page = co_await bucket.listKeys(std::nullopt);
    EXPECT_LT(page->keys.size(), 100U);
    EXPECT_EQ((co_await allKeys(bucket)).size(), 100U);
  });
}

TEST_P(StoreTest, RefusesToGetMoreThanOneAnswerMayHold) {
  inBucket([](Bucket& bucket) -> Task<void> {
    EXPECT_TRUE(co_await bucket.set("k", asBytes(std::string(9 << 20, 'v'))));
    const auto values = co_await bucket.getMany(std::vector<std::string>(8, "k"));
    EXPECT_EQ(values.error().code(), ErrorCode::kResourceExhausted);
    EXPECT_TRUE(co_await bucket.getMany(std::vector<std::string>(7, "k")));
  });
}

TEST_P(StoreTest, RefusesWhatExceedsTheQuotaAndKeepsTheRest) {
  keyspace_->limit({.max_bytes = 3 * entryCost(1, 10), .max_keys = 3});
  inBucket([](Bucket& bucket) -> Task<void> {
    const std::string ten(10, 'v');
    for (const char* key : {"a", "b", "c"}) EXPECT_TRUE(co_await bucket.set(key, asBytes(ten)));
    EXPECT_EQ((co_await bucket.set("d", {})).error().code(), ErrorCode::kResourceExhausted);
    EXPECT_EQ((co_await bucket.increment("d", 1)).error().code(), ErrorCode::kResourceExhausted);
    EXPECT_EQ((co_await bucket.set("a", asBytes(ten + "x"))).error().code(),
              ErrorCode::kResourceExhausted);
    EXPECT_EQ(textOf(co_await bucket.get("a")), ten);
    // What is freed can be used again.
    EXPECT_TRUE(co_await bucket.set("a", asBytes("short")));
    EXPECT_TRUE(co_await bucket.set("b", asBytes(ten + "xxxxx")));
    EXPECT_TRUE(co_await bucket.remove("c"));
    EXPECT_TRUE(co_await bucket.set("d", asBytes(ten)));
  });
}

TEST_P(StoreTest, SetsNoneOfManyThatExceedTheQuota) {
  keyspace_->limit({.max_bytes = {}, .max_keys = 2});
  inBucket([](Bucket& bucket) -> Task<void> {
    EXPECT_TRUE(co_await bucket.set("a", asBytes("old")));
    std::vector<Entry> entries;
    for (const char* key : {"a", "b", "c"}) entries.push_back({key, Bytes::copyOf("new")});
    const auto refused = co_await bucket.setMany(std::move(entries));
    EXPECT_EQ(refused.error().code(), ErrorCode::kResourceExhausted);
    EXPECT_EQ(textOf(co_await bucket.get("a")), "old");
    EXPECT_EQ(textOf(co_await bucket.get("b")), "nothing");
  });
}

TEST_P(StoreTest, AQuotaMayBeChangedWhileTheKeyspaceIsInUse) {
  keyspace_->limit({.max_bytes = {}, .max_keys = 1});
  inBucket([&](Bucket& bucket) -> Task<void> {
    EXPECT_TRUE(co_await bucket.set("a", {}));
    EXPECT_FALSE(co_await bucket.set("b", {}));
    keyspace_->limit({.max_bytes = {}, .max_keys = 2});
    EXPECT_TRUE(co_await bucket.set("b", {}));
    keyspace_->limit({.max_bytes = {}, .max_keys = 1});
    EXPECT_TRUE(co_await bucket.set("a", {}));  // adds nothing
    EXPECT_TRUE(co_await bucket.remove("b"));
    EXPECT_FALSE((co_await bucket.set("b", {})).has_value());
  });
}

TEST_P(StoreTest, ACallMayBeGivenUp) {
  inBucket([](Bucket& bucket) -> Task<void> {
    for (int i = 0; i < 50; ++i) {
      auto task = std::make_unique<Task<Result<void>>>(
          bucket.set("k", asBytes(std::to_string(i))).intoTask());
      task->start();
    }
    EXPECT_TRUE(co_await bucket.set("k", asBytes("last")));
    EXPECT_EQ(textOf(co_await bucket.get("k")), "last");
  });
}

INSTANTIATE_TEST_SUITE_P(Memory, StoreTest, ::testing::Values(Backend::kMemory));
INSTANTIATE_TEST_SUITE_P(Sqlite, StoreTest, ::testing::Values(Backend::kSqlite));
INSTANTIATE_TEST_SUITE_P(Redis, StoreTest, ::testing::Values(Backend::kRedis));

}  // namespace
}  // namespace nimbus::keyvalue
