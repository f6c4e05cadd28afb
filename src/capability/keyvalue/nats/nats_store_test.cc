#include "capability/keyvalue/nats/nats_store.h"

#include <set>
#include <thread>

#include "base/sync.h"
#include "capability/keyvalue/conformance_cases.h"
#include "capability/keyvalue/limits.h"
#include "capability/keyvalue/nats/nats_names.h"
#include "capability/keyvalue/nats/nats_test_support.h"

namespace nimbus::keyvalue {
namespace {

constexpr const char* kKeyspace = "workload/default/shop";
constexpr const char* kStream = "KV_nimbus_workload__default__shop";
constexpr const char* kSubjects = "$KV.nimbus_workload__default__shop.";

class NatsStoreTest : public NatsTest {
 protected:
  void SetUp() override {
    NatsTest::SetUp();
    startServer();
    reconnect();
  }
  void TearDown() override {
    keyspace_.reset();
    store_.reset();
    NatsTest::TearDown();
  }
  void reconnect(NatsStoreOptions options = {}) {
    keyspace_.reset();
    store_ = connect(std::move(options));
    ASSERT_NE(store_, nullptr);
    keyspace_ = store_->keyspace(kKeyspace);
  }
  void inBucket(Work work) { NatsTest::inBucket(*keyspace_, "bucket", std::move(work)); }

  // Runs the work with another client of the server.
  using Plainly = std::move_only_function<Task<void>(PlainClient&)>;
  void plainly(Plainly work) {
    run([&](net::Shard& shard) -> Task<void> {
      const auto client = co_await PlainClient::connect(shard, server_->url(), *log_);
      co_await work(*client);
      co_await client->close();
    });
  }
  // Makes the keyspace's stream as given.
  void makeStream(const std::string& more) {
    plainly([&](PlainClient& client) -> Task<void> {
      const std::string answer = co_await client.ask(
          std::string("$JS.API.STREAM.CREATE.") + kStream,
          fmt::format(R"({{"name":"{}","subjects":["{}>"],"storage":"file",{}}})", kStream,
                      kSubjects, more));
      EXPECT_FALSE(answer.contains("error")) << answer;
    });
  }

  std::unique_ptr<NatsStore> store_;
  std::shared_ptr<Keyspace> keyspace_;
};

TEST_F(NatsStoreTest, Conforms) {
  run([&](net::Shard&) -> Task<void> {
    for (const Conformance::Case& what : Conformance::cases()) {
      SCOPED_TRACE(what.name);
      co_await Conformance::run(*keyspace_, what);
    }
  });
}

TEST_F(NatsStoreTest, ConformsWhereTheLeaderReads) {
  makeStream(R"("max_msgs_per_subject":1,"discard":"new","allow_direct":false)");
  run([&](net::Shard&) -> Task<void> {
    for (const Conformance::Case& what : Conformance::cases()) {
      SCOPED_TRACE(what.name);
      co_await Conformance::run(*keyspace_, what);
    }
  });
}

TEST_F(NatsStoreTest, ConformsInMemory) {
  reconnect({.prefix = "in-memory", .storage = NatsStoreOptions::Storage::kMemory});
  run([&](net::Shard&) -> Task<void> {
    for (const Conformance::Case& what : Conformance::cases()) {
      SCOPED_TRACE(what.name);
      co_await Conformance::run(*keyspace_, what);
    }
  });
  plainly([&](PlainClient& client) -> Task<void> {
    const std::string stream =
        co_await client.ask("$JS.API.STREAM.INFO.KV_in-memory_workload__default__shop", "");
    EXPECT_TRUE(stream.contains(R"("storage":"memory")")) << stream;
  });
}

TEST_F(NatsStoreTest, KeepsBucketsAndKeyspacesApart) {
  auto other_keyspace = store_->keyspace("workload/default/other");
  run([&](net::Shard&) -> Task<void> {
    auto a = co_await keyspace_->open("a");
    auto b = co_await keyspace_->open("b");
    auto others = co_await other_keyspace->open("a");
    auto again = co_await store_->keyspace(kKeyspace)->open("a");
    EXPECT_TRUE(succeeded(co_await (*a)->set("k", asBytes("mine"))));
    EXPECT_EQ(textOf(co_await (*b)->get("k")), "nothing");
    EXPECT_EQ(textOf(co_await (*others)->get("k")), "nothing");
    EXPECT_EQ(textOf(co_await (*again)->get("k")), "mine");
    EXPECT_TRUE((co_await allKeys(**b)).empty());
  });
}

TEST_F(NatsStoreTest, TakesEveryKey) {
  const std::vector<std::string> names = {"", ".", "a.b", ">", "*", std::string(256, '.')};
  for (const std::string& name : names) {
    NatsTest::inBucket(*keyspace_, name, [&](Bucket& bucket) -> Task<void> {
      std::set<std::string> keys = {"",
                                    ".",
                                    "..",
                                    "a.",
                                    ".a",
                                    "a..b",
                                    "a.b",
                                    "*",
                                    ">",
                                    "a.>",
                                    " ",
                                    "\r\n",
                                    "=",
                                    "==",
                                    "$KV",
                                    "=2E",
                                    "\xff",
                                    "日本",
                                    "a/b_c-",
                                    std::string(4096, 'k'),
                                    std::string(4096, '\xfe'),
                                    std::string(4096, '.'),
                                    std::string("a\0b", 3)};
      for (const std::string& key : keys)
        EXPECT_TRUE(succeeded(co_await bucket.set(key, asBytes("of " + key))));
      for (const std::string& key : keys)
        EXPECT_TRUE(textOf(co_await bucket.get(key)) == "of " + key) << key.substr(0, 20);
      EXPECT_EQ(co_await allKeys(bucket), keys);
      std::vector<std::string> all(keys.begin(), keys.end());
      EXPECT_TRUE(succeeded(co_await bucket.removeMany(std::move(all))));
      EXPECT_TRUE((co_await allKeys(bucket)).empty());
    });
  }
}

TEST_F(NatsStoreTest, CountsUpTo64BitsAndNoNumberNowhere) {
  inBucket([](Bucket& bucket) -> Task<void> {
    EXPECT_TRUE(succeeded(co_await bucket.set("n", asBytes("18446744073709551614"))));
    EXPECT_EQ(co_await bucket.increment("n", 1), 18446744073709551615U);
    EXPECT_EQ(codeOf(co_await bucket.increment("n", 1)), ErrorCode::kInvalidArgument);
    EXPECT_EQ(textOf(co_await bucket.get("n")), "18446744073709551615");
    EXPECT_TRUE(succeeded(co_await bucket.set("n", asBytes("ten"))));
    EXPECT_EQ(codeOf(co_await bucket.increment("n", 1)), ErrorCode::kInvalidArgument);
    EXPECT_EQ(textOf(co_await bucket.get("n")), "ten");
  });
}

TEST_F(NatsStoreTest, ServesTheShardsOfSeveralGroups) {
  auto others = net::ShardGroup::start(2);
  ASSERT_TRUE(others);
  const auto count = [&](net::ShardGroup& group, std::size_t index) {
    group.runTask(index, [&](net::Shard&) -> Task<void> {
      auto bucket = co_await keyspace_->open("bucket");
      EXPECT_TRUE(succeeded(bucket));
      if (!bucket) co_return;
      for (int i = 0; i < 50; ++i) EXPECT_TRUE(succeeded(co_await (*bucket)->increment("n", 1)));
      EXPECT_EQ((co_await allKeys(**bucket)).size(), 1U);
    });
  };
  std::thread first(count, std::ref(**others), 0);
  std::thread second(count, std::ref(**others), 1);
  count(*group_, 0);
  first.join();
  second.join();
  inBucket(
      [](Bucket& bucket) -> Task<void> { EXPECT_EQ(textOf(co_await bucket.get("n")), "150"); });
  keyspace_.reset();
  store_.reset();  // before the shards that it was used on
}

Task<void> incrementOnce(Bucket& bucket, std::set<std::uint64_t>& seen) {
  const auto result = co_await bucket.increment("n", 1);
  EXPECT_TRUE(succeeded(result));
  if (result) EXPECT_TRUE(seen.insert(*result).second);
}

TEST_F(NatsStoreTest, CountsEachIncrementOfTwoStoresAtOnce) {
  auto other = connect();
  run([&](net::Shard&) -> Task<void> {
    auto mine = co_await keyspace_->open("bucket");
    auto theirs = co_await other->keyspace(kKeyspace)->open("bucket");
    TaskSet tasks;
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 50; ++i) {
      tasks.spawn(incrementOnce(**mine, seen));
      tasks.spawn(incrementOnce(**theirs, seen));
    }
    co_await tasks.empty();
    EXPECT_EQ(seen.size(), 100U);
    EXPECT_EQ(textOf(co_await (*mine)->get("n")), "100");
  });
}

TEST_F(NatsStoreTest, AnIncrementThatWasGivenUpStopsNoOther) {
  inBucket([](Bucket& bucket) -> Task<void> {
    std::vector<std::unique_ptr<Task<Result<std::uint64_t>>>> given_up;
    for (int i = 0; i < 10; ++i) {
      given_up.push_back(
          std::make_unique<Task<Result<std::uint64_t>>>(bucket.increment("n", 1).intoTask()));
      given_up.back()->start();
    }
    TaskSet tasks;
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 10; ++i) tasks.spawn(incrementOnce(bucket, seen));
    given_up.clear();
    co_await tasks.empty();
    EXPECT_EQ(seen.size(), 10U);
  });
}

TEST_F(NatsStoreTest, ListsEachKeyOnceWhateverIsWrittenMeanwhile) {
  inBucket([](Bucket& bucket) -> Task<void> {
    std::vector<Entry> entries;
    for (int i = 0; i < 2500; ++i) entries.push_back({"key-" + std::to_string(i), {}});
    EXPECT_TRUE(succeeded(co_await bucket.setMany(std::move(entries))));
    std::set<std::string> seen;
    std::optional<std::uint64_t> cursor;
    int pages = 0;
    do {
      auto page = co_await bucket.listKeys(cursor);
      EXPECT_TRUE(succeeded(page));
      if (!page) break;
      EXPECT_LE(page->keys.size(), kMaxPageKeys);
      for (const std::string& key : page->keys)
        if (key.starts_with("key-")) EXPECT_TRUE(seen.insert(key).second) << key;
      cursor = page->cursor;
      // Values change, new keys come, and some that were listed go.
      EXPECT_TRUE(succeeded(co_await bucket.set("key-7", asBytes(std::to_string(pages)))));
      EXPECT_TRUE(succeeded(co_await bucket.set("new-" + std::to_string(pages), {})));
      EXPECT_TRUE(succeeded(co_await bucket.remove(page->keys.front())));
      pages += 1;
    } while (cursor);
    EXPECT_GE(pages, 3);
    EXPECT_EQ(seen.size(), 2500U);
  });
}

TEST_F(NatsStoreTest, AListingMissesNoKeyThatIsWrittenWhileItIsRead) {
  inBucket([](Bucket& bucket) -> Task<void> {
    constexpr int kKeys = 1500;
    bool is_enough = true;
    const auto write = [&is_enough](Bucket& into) -> Task<void> {
      int round = 0;
      do {
        std::vector<Entry> entries;
        for (int i = 0; i < kKeys; ++i)
          entries.push_back({std::to_string(i), Bytes::copyOf(std::to_string(round))});
        EXPECT_TRUE(succeeded(co_await into.setMany(std::move(entries))));
        round += 1;
      } while (!is_enough);
    };
    co_await write(bucket);
    is_enough = false;
    TaskSet writing;
    writing.spawn(write(bucket));
    for (int listing = 0; listing < 3; ++listing)
      EXPECT_EQ((co_await allKeys(bucket)).size(), std::size_t{kKeys});
    is_enough = true;
    co_await writing.empty();
  });
}

TEST_F(NatsStoreTest, AListingMayGoOnElsewhere) {
  auto other = connect();
  run([&](net::Shard&) -> Task<void> {
    auto here = co_await keyspace_->open("bucket");
    auto there = co_await other->keyspace(kKeyspace)->open("bucket");
    std::vector<Entry> entries;
    for (int i = 0; i < 1500; ++i) entries.push_back({std::to_string(i), {}});
    EXPECT_TRUE(succeeded(co_await (*here)->setMany(std::move(entries))));
    const auto first = co_await (*here)->listKeys({});
    EXPECT_TRUE(succeeded(first));
    if (!first || !first->cursor) co_return;
    const auto second = co_await (*there)->listKeys(first->cursor);
    EXPECT_TRUE(succeeded(second));
    if (!second) co_return;
    std::set<std::string> keys(first->keys.begin(), first->keys.end());
    keys.insert(second->keys.begin(), second->keys.end());
    EXPECT_EQ(first->keys.size() + second->keys.size(), 1500U);
    EXPECT_EQ(keys.size(), 1500U);
    EXPECT_FALSE(second->cursor);
  });
}

TEST_F(NatsStoreTest, ListsAnEmptyBucketAndAnyCursor) {
  inBucket([](Bucket& bucket) -> Task<void> {
    for (const std::uint64_t cursor :
         {std::uint64_t{0}, std::uint64_t{1} << 32, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
      auto page = co_await bucket.listKeys(cursor);
      EXPECT_TRUE(succeeded(page));
      if (!page) co_return;
      EXPECT_TRUE(page->keys.empty());
      EXPECT_FALSE(page->cursor);
    }
  });
}

TEST_F(NatsStoreTest, LeavesNoConsumerOfAListing) {
  inBucket([](Bucket& bucket) -> Task<void> {
    EXPECT_TRUE(succeeded(co_await bucket.set("k", {})));
    EXPECT_EQ((co_await allKeys(bucket)).size(), 1U);
  });
  plainly([&](PlainClient& client) -> Task<void> {
    // The server deletes it without being waited for.
    std::string consumers;
    for (int attempt = 0; attempt < 1000 && !consumers.contains("\"total\":0"); ++attempt)
      consumers = co_await client.ask(std::string("$JS.API.CONSUMER.NAMES.") + kStream, "");
    EXPECT_TRUE(consumers.contains("\"total\":0")) << consumers;
  });
}

TEST_F(NatsStoreTest, RefusesToGetMoreThanOneAnswerMayHold) {
  inBucket([](Bucket& bucket) -> Task<void> {
    EXPECT_TRUE(succeeded(co_await bucket.set("k", asBytes(std::string(9 << 20, 'v')))));
    const auto values = co_await bucket.getMany(std::vector<std::string>(8, "k"));
    EXPECT_EQ(codeOf(values), ErrorCode::kResourceExhausted);
    EXPECT_TRUE(succeeded(co_await bucket.getMany(std::vector<std::string>(7, "k"))));
  });
}

TEST_F(NatsStoreTest, ACallMayBeGivenUp) {
  inBucket([](Bucket& bucket) -> Task<void> {
    for (int i = 0; i < 50; ++i) {
      auto task = std::make_unique<Task<Result<void>>>(
          bucket.set("k", asBytes(std::to_string(i))).intoTask());
      task->start();
      auto listing = std::make_unique<Task<Result<KeyPage>>>(bucket.listKeys({}).intoTask());
      listing->start();
    }
    EXPECT_TRUE(succeeded(co_await bucket.set("k", asBytes("last"))));
    EXPECT_EQ(textOf(co_await bucket.get("k")), "last");
  });
}

TEST_F(NatsStoreTest, TakesBurstsOfLargeValues) {
  inBucket([](Bucket& bucket) -> Task<void> {
    const std::string megabytes(2 << 20, 'v');
    std::vector<Entry> entries;
    for (int i = 0; i < 20; ++i) entries.push_back({std::to_string(i), Bytes::copyOf(megabytes)});
    EXPECT_TRUE(succeeded(co_await bucket.setMany(std::move(entries))));
    const auto values = co_await bucket.getMany({"0", "19", "none"});
    EXPECT_TRUE(succeeded(values));
    if (!values) co_return;
    EXPECT_TRUE((*values)[0] && (*values)[0]->text() == megabytes);
    EXPECT_TRUE((*values)[1] && (*values)[1]->text() == megabytes);
    EXPECT_FALSE((*values)[2]);
  });
}

// The server's own limits.

TEST_F(NatsStoreTest, RefusesWhatExceedsTheNumberOfKeysAndKeepsTheRest) {
  keyspace_->limit({.max_bytes = {}, .max_keys = 2});
  inBucket([](Bucket& bucket) -> Task<void> {
    EXPECT_TRUE(succeeded(co_await bucket.set("a", asBytes("1"))));
    EXPECT_TRUE(succeeded(co_await bucket.set("b", asBytes("2"))));
    EXPECT_EQ(codeOf(co_await bucket.set("c", {})), ErrorCode::kResourceExhausted);
    EXPECT_EQ(codeOf(co_await bucket.increment("c", 1)), ErrorCode::kResourceExhausted);
    EXPECT_TRUE(succeeded(co_await bucket.set("a", asBytes("another"))));
    EXPECT_EQ(co_await bucket.increment("b", 1), 3U);
    // What is freed can be used again.
    EXPECT_TRUE(succeeded(co_await bucket.remove("a")));
    EXPECT_TRUE(succeeded(co_await bucket.set("c", {})));
    EXPECT_EQ(co_await allKeys(bucket), (std::set<std::string>{"b", "c"}));
  });
}

TEST_F(NatsStoreTest, RefusesWhatExceedsTheBytesAndKeepsTheRest) {
  keyspace_->limit({.max_bytes = 4096, .max_keys = {}});
  inBucket([](Bucket& bucket) -> Task<void> {
    EXPECT_TRUE(succeeded(co_await bucket.set("a", asBytes(std::string(3000, 'v')))));
    EXPECT_EQ(codeOf(co_await bucket.set("b", asBytes(std::string(2000, 'v')))),
              ErrorCode::kResourceExhausted);
    EXPECT_EQ(codeOf(co_await bucket.set("a", asBytes(std::string(5000, 'v')))),
              ErrorCode::kResourceExhausted);
    EXPECT_EQ(textOf(co_await bucket.get("a")), std::string(3000, 'v'));
    EXPECT_TRUE(succeeded(co_await bucket.set("a", asBytes("short"))));
    EXPECT_TRUE(succeeded(co_await bucket.set("b", asBytes(std::string(2000, 'v')))));
  });
}

TEST_F(NatsStoreTest, AQuotaMayBeChangedWhileTheKeyspaceIsInUse) {
  keyspace_->limit({.max_bytes = {}, .max_keys = 1});
  inBucket([&](Bucket& bucket) -> Task<void> {
    EXPECT_TRUE(succeeded(co_await bucket.set("a", {})));
    EXPECT_FALSE((co_await bucket.set("b", {})).has_value());
    keyspace_->limit({.max_bytes = {}, .max_keys = 3});
    EXPECT_TRUE(succeeded(co_await bucket.set("b", {})));
    EXPECT_TRUE(succeeded(co_await bucket.set("c", {})));
    // Nothing goes that is there.
    keyspace_->limit({.max_bytes = 1, .max_keys = 1});
    EXPECT_TRUE(succeeded(co_await bucket.set("a", asBytes("x"))));
    EXPECT_EQ((co_await allKeys(bucket)).size(), 3U);
    EXPECT_TRUE(succeeded(co_await bucket.removeMany({"b", "c"})));
    keyspace_->limit({.max_bytes = 1 << 20, .max_keys = 1});
    EXPECT_EQ(textOf(co_await bucket.get("a")), "x");
    EXPECT_EQ(codeOf(co_await bucket.set("b", {})), ErrorCode::kResourceExhausted);
    // That a quota says nothing leaves what the stream has.
    keyspace_->limit({});
    EXPECT_EQ(codeOf(co_await bucket.set("b", {})), ErrorCode::kResourceExhausted);
  });
}

TEST_F(NatsStoreTest, AQuotaThatIsLoweredCloseToWhatIsUsedDeletesNothing) {
  inBucket([&](Bucket& bucket) -> Task<void> {
    for (const char* key : {"a", "b", "c"})
      EXPECT_TRUE(succeeded(co_await bucket.set(key, asBytes("v"))));
    keyspace_->limit({.max_bytes = {}, .max_keys = 4});
    EXPECT_TRUE(succeeded(co_await bucket.set("d", {})));
    EXPECT_EQ(codeOf(co_await bucket.set("e", {})), ErrorCode::kResourceExhausted);
    // Below what is used: no more than there was.
    keyspace_->limit({.max_bytes = {}, .max_keys = 2});
    EXPECT_EQ(codeOf(co_await bucket.set("e", {})), ErrorCode::kResourceExhausted);
    EXPECT_EQ((co_await allKeys(bucket)).size(), 4U);
  });
}

TEST_F(NatsStoreTest, AQuotaOfNothingTakesNothing) {
  for (const Quota& quota :
       {Quota{.max_bytes = 0, .max_keys = {}}, Quota{.max_bytes = {}, .max_keys = 0}}) {
    keyspace_->limit(quota);
    inBucket([](Bucket& bucket) -> Task<void> {
      EXPECT_EQ(codeOf(co_await bucket.set("a", {})), ErrorCode::kResourceExhausted);
      EXPECT_EQ(textOf(co_await bucket.get("a")), "nothing");
    });
  }
}

// Other clients of the same server.

TEST_F(NatsStoreTest, ReadsWhatOthersWriteByTheConvention) {
  inBucket([](Bucket& bucket) -> Task<void> { co_await allKeys(bucket); });
  plainly([](PlainClient& client) -> Task<void> {
    const std::string subject = std::string(kSubjects) + "bucket.";
    EXPECT_TRUE((co_await client.ask(subject + "cart.total", "41")).contains("\"seq\":"));
    EXPECT_TRUE((co_await client.ask(subject + "gone", "x")).contains("\"seq\":"));
    // As `nats kv del` and `nats kv purge` do.
    co_await client.ask(subject + "gone", "", {{"KV-Operation", "DEL"}});
    co_await client.ask(subject + "purged", "",
                        {{"KV-Operation", "PURGE"}, {"Nats-Rollup", "sub"}});
    // No name of ours.
    co_await client.ask(subject + "a=b", "x");
  });
  inBucket([](Bucket& bucket) -> Task<void> {
    EXPECT_EQ(textOf(co_await bucket.get("cart.total")), "41");
    EXPECT_EQ(co_await bucket.increment("cart.total", 1), 42U);
    EXPECT_EQ(textOf(co_await bucket.get("gone")), "nothing");
    EXPECT_EQ(co_await bucket.exists("purged"), false);
    EXPECT_EQ(co_await allKeys(bucket), std::set<std::string>{"cart.total"});
    EXPECT_EQ(co_await bucket.increment("gone", 5), 5U);
    EXPECT_EQ(co_await allKeys(bucket), (std::set<std::string>{"cart.total", "gone"}));
  });
}

TEST_F(NatsStoreTest, OthersReadOursByTheConvention) {
  inBucket([](Bucket& bucket) -> Task<void> {
    EXPECT_TRUE(succeeded(co_await bucket.set("cart.total", asBytes("42"))));
    EXPECT_TRUE(succeeded(co_await bucket.set("a b", asBytes("odd"))));
  });
  plainly([](PlainClient& client) -> Task<void> {
    const auto read = [&client](std::string_view key) {
      return client.ask(std::string("$JS.API.DIRECT.GET.") + kStream,
                        fmt::format(R"({{"last_by_subj":"{}bucket.{}"}})", kSubjects, key));
    };
    EXPECT_EQ(co_await read("cart.total"), "42");
    EXPECT_EQ(co_await read("a=20b"), "odd");
    const std::string stream =
        co_await client.ask(std::string("$JS.API.STREAM.INFO.") + kStream, "");
    for (const char* setting :
         {R"("max_msgs_per_subject":1)", R"("discard":"new")", R"("allow_rollup_hdrs":true)",
          R"("allow_direct":true)", R"("deny_delete":true)", R"("storage":"file")",
          R"("num_replicas":1)", R"("description":"workload/default/shop")"})
      EXPECT_TRUE(stream.contains(setting)) << setting << " " << stream;
  });
}

TEST_F(NatsStoreTest, UsesABucketThatOthersMadeWithAHistory) {
  makeStream(R"("max_msgs_per_subject":5,"allow_rollup_hdrs":true,"allow_direct":true)");
  inBucket([](Bucket& bucket) -> Task<void> {
    for (const char* value : {"1", "2", "3"})
      EXPECT_TRUE(succeeded(co_await bucket.set("k", asBytes(value))));
    EXPECT_EQ(co_await bucket.increment("k", 1), 4U);
    EXPECT_EQ(co_await allKeys(bucket), std::set<std::string>{"k"});
    EXPECT_TRUE(succeeded(co_await bucket.remove("k")));
    EXPECT_EQ(textOf(co_await bucket.get("k")), "nothing");
    EXPECT_TRUE((co_await allKeys(bucket)).empty());
  });
}

TEST_F(NatsStoreTest, RefusesAStreamThatIsNoBucket) {
  plainly([](PlainClient& client) -> Task<void> {
    co_await client.ask(std::string("$JS.API.STREAM.CREATE.") + kStream,
                        fmt::format(R"({{"name":"{}","subjects":["orders.>"]}})", kStream));
  });
  run([&](net::Shard&) -> Task<void> {
    const auto bucket = co_await keyspace_->open("bucket");
    EXPECT_EQ(codeOf(bucket), ErrorCode::kInvalidArgument);
  });
}

TEST_F(NatsStoreTest, BeginsAgainOnceTheStreamWasDeleted) {
  // Nobody answers the first direct read.
  reconnect({.timeout = std::chrono::seconds(2)});
  inBucket([&](Bucket& bucket) -> Task<void> {
    EXPECT_TRUE(succeeded(co_await bucket.set("k", asBytes("v"))));
    co_return;
  });
  const auto deleteStream = [&] {
    plainly([](PlainClient& client) -> Task<void> {
      const std::string answer =
          co_await client.ask(std::string("$JS.API.STREAM.DELETE.") + kStream, "");
      EXPECT_TRUE(answer.contains("\"success\":true")) << answer;
    });
  };
  deleteStream();
  inBucket([](Bucket& bucket) -> Task<void> {
    EXPECT_TRUE(succeeded(co_await bucket.set("k", asBytes("new"))));
    EXPECT_EQ(textOf(co_await bucket.get("k")), "new");
  });
  deleteStream();
  inBucket([](Bucket& bucket) -> Task<void> { EXPECT_TRUE((co_await allKeys(bucket)).empty()); });
  deleteStream();
  inBucket([](Bucket& bucket) -> Task<void> {
    EXPECT_TRUE(succeeded(co_await bucket.remove("k")));
    EXPECT_EQ(co_await bucket.increment("n", 1), 1U);
  });
  deleteStream();
  inBucket([](Bucket& bucket) -> Task<void> {
    EXPECT_EQ(textOf(co_await bucket.get("n")), "nothing");
    EXPECT_TRUE(succeeded(co_await bucket.set("n", asBytes("5"))));
  });
  deleteStream();
  inBucket([](Bucket& bucket) -> Task<void> {
    const auto values = co_await bucket.getMany({"n", "k"});
    EXPECT_TRUE(succeeded(values));
    EXPECT_EQ(co_await bucket.increment("n", 1), 1U);
  });
  deleteStream();
  inBucket([](Bucket& bucket) -> Task<void> { EXPECT_EQ(co_await bucket.increment("n", 1), 1U); });
}

TEST_F(NatsStoreTest, RefusesSettingsThatNoServerTakes) {
  EXPECT_EQ(codeOf(checkNatsStore({.prefix = "a_b"})), ErrorCode::kInvalidArgument);
  EXPECT_EQ(codeOf(checkNatsStore({.replicas = 0})), ErrorCode::kInvalidArgument);
  EXPECT_EQ(codeOf(checkNatsStore({.replicas = 6})), ErrorCode::kInvalidArgument);
  EXPECT_TRUE(checkNatsStore({}));
}

}  // namespace
}  // namespace nimbus::keyvalue
