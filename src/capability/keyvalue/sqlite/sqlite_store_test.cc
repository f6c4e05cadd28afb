#include "capability/keyvalue/sqlite/sqlite_store.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <latch>

#include "capability/keyvalue/limits.h"
#include "capability/keyvalue/sqlite/sqlite_database.h"
#include "capability/keyvalue/sqlite/sqlite_writer.h"
#include "net/test_support.h"

namespace nimbus::keyvalue {
namespace {

class SqliteStoreTest : public net::ShardTest {
 protected:
  [[nodiscard]] std::string path() const { return folder_.path("kv.sqlite"); }
  [[nodiscard]] std::unique_ptr<SqliteStore> open() const {
    auto opened = SqliteStore::open({.path = path()});
    EXPECT_TRUE(opened) << opened.error().describe();
    return opened ? std::move(*opened) : nullptr;
  }

  using Work = std::move_only_function<Task<void>(Bucket&)>;
  void inBucket(SqliteStore& store, Work work, const Quota& quota = {}) {
    auto keyspace = store.keyspace("default/shop");
    keyspace->limit(quota);
    run([&](net::Shard&) -> Task<void> {
      auto bucket = co_await keyspace->open("bucket");
      EXPECT_TRUE(bucket);
      co_await work(**bucket);
    });
  }

  TemporaryFolder folder_;
};

TEST_F(SqliteStoreTest, KeepsEverythingAcrossARestart) {
  inBucket(*open(), [](Bucket& bucket) -> Task<void> {
    EXPECT_TRUE(co_await bucket.set("k", asBytes("v")));
    EXPECT_EQ(co_await bucket.increment("n", 41), 41U);
  });
  inBucket(*open(), [](Bucket& bucket) -> Task<void> {
    EXPECT_EQ((co_await bucket.get("k")).value()->text(), "v");
    EXPECT_EQ(co_await bucket.increment("n", 1), 42U);
  });
}

TEST_F(SqliteStoreTest, CountsTheQuotaAcrossARestart) {
  const Quota quota{.max_bytes = entryCost(1, 10), .max_keys = {}};
  inBucket(
      *open(),
      [](Bucket& bucket) -> Task<void> {
        EXPECT_TRUE(co_await bucket.set("a", asBytes("0123456789")));
      },
      quota);
  inBucket(
      *open(),
      [](Bucket& bucket) -> Task<void> {
        EXPECT_EQ((co_await bucket.set("b", {})).error().code(), ErrorCode::kResourceExhausted);
        EXPECT_TRUE(co_await bucket.remove("a"));
        EXPECT_TRUE(co_await bucket.set("b", asBytes("0123456789")));
      },
      quota);
}

TEST_F(SqliteStoreTest, ItsFilesAreForItsOwnerOnly) {
  const auto store = open();
  inBucket(*store, [](Bucket& bucket) -> Task<void> { EXPECT_TRUE(co_await bucket.set("k", {})); });
  for (const char* suffix : {"", "-wal"}) {
    struct stat status{};
    ASSERT_EQ(::stat((path() + suffix).c_str(), &status), 0) << suffix;
    EXPECT_EQ(status.st_mode & 0777, 0600U) << suffix;
  }
}

TEST_F(SqliteStoreTest, RefusesAFileThatIsNoDatabase) {
  folder_.write("kv.sqlite", std::string(5000, 'x'));
  const auto opened = SqliteStore::open({.path = path()});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kIo);
  EXPECT_TRUE(opened.error().message().contains(path()));
}

TEST_F(SqliteStoreTest, RefusesADatabaseOfSomethingElse) {
  auto database = SqliteDatabase::open(path(), SqliteDatabase::Access::kReadWrite);
  ASSERT_TRUE((*database)->execute("CREATE TABLE t (x)"));
  EXPECT_EQ(SqliteStore::open({.path = path()}).error().code(), ErrorCode::kInvalidArgument);
}

TEST_F(SqliteStoreTest, RefusesADatabaseOfALaterVersion) {
  static_cast<void>(open());
  auto database = SqliteDatabase::open(path(), SqliteDatabase::Access::kReadWrite);
  ASSERT_TRUE((*database)->execute("PRAGMA user_version = 2"));
  EXPECT_EQ(SqliteStore::open({.path = path()}).error().code(), ErrorCode::kUnsupported);
}

TEST_F(SqliteStoreTest, RefusesAFolderThatIsNotThere) {
  const auto opened = SqliteStore::open({.path = folder_.path("none/kv.sqlite")});
  EXPECT_EQ(opened.error().code(), ErrorCode::kIo);
}

TEST_F(SqliteStoreTest, TellsThatTheFileIsDamaged) {
  inBucket(*open(), [](Bucket& bucket) -> Task<void> {
    for (int i = 0; i < 50; ++i)
      EXPECT_TRUE(co_await bucket.set("k" + std::to_string(i), asBytes(std::string(1000, 'v'))));
  });
  // Everything but the first page, which has the schema.
  std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4096);
  const auto damaged = std::filesystem::file_size(path()) - 4096;
  file << std::string(damaged, 'x');
  file.close();
  const auto store = open();
  auto keyspace = store->keyspace("default/shop");
  run([&](net::Shard&) -> Task<void> {
    const auto opened = co_await keyspace->open("bucket");
    EXPECT_FALSE(opened);
    if (!opened) EXPECT_EQ(opened.error().code(), ErrorCode::kIo) << opened.error().describe();
  });
}

TEST_F(SqliteStoreTest, TellsThatTheDatabaseIsFull) {
  const auto store = open();
  auto changes = SqliteChanges::open(path());
  ASSERT_TRUE(changes);
  ASSERT_TRUE((*changes)->database().query("PRAGMA max_page_count = 20"));
  SqliteWriter writer(std::move(*changes));
  run([&](net::Shard&) -> Task<void> {
    auto where = co_await writer.change<SqliteBucketRef>(
        0, [](SqliteChanges& tables) { return tables.openBucket("k", "b"); });
    EXPECT_TRUE(where);
    const auto set = [&](std::size_t bytes) {
      return writer.change<void>(0, [where = *where, bytes](SqliteChanges& tables) {
        return tables.set(where, "key", asBytes(std::string(bytes, 'v')));
      });
    };
    EXPECT_EQ((co_await set(1 << 20)).error().code(), ErrorCode::kResourceExhausted);
    EXPECT_TRUE(co_await set(100));
  });
}

// A writer whose thread waits, so that what is given meanwhile makes one transaction.
TEST_F(SqliteStoreTest, WritesThatWaitShareATransactionAndFailAlone) {
  auto changes = SqliteChanges::open(path());
  ASSERT_TRUE(changes);
  SqliteWriter writer(std::move(*changes));
  std::latch entered(1);
  std::latch go(1);
  int runs = 0;
  std::vector<std::string> outcomes;
  run([&](net::Shard&) -> Task<void> {
    TaskSet tasks;
    const auto note = [](Task<Result<void>> change, std::string name,
                         std::vector<std::string>& into) -> Task<void> {
      const auto result = co_await std::move(change);
      into.push_back(name + (result ? " done" : " failed"));
    };
    tasks.spawn(note(writer.change<void>(0,
                                         [&](SqliteChanges&) -> Result<void> {
                                           entered.count_down();
                                           go.wait();
                                           return {};
                                         }),
                     "first", outcomes));
    entered.wait();  // its transaction has begun: none of the others is in it
    tasks.spawn(note(writer.change<void>(0,
                                         [&runs](SqliteChanges& tables) -> Result<void> {
                                           runs += 1;
                                           TRY_VOID(tables.openBucket("k", "b"));
                                           return {};
                                         }),
                     "good", outcomes));
    tasks.spawn(note(writer.change<void>(0,
                                         [](SqliteChanges& tables) {
                                           return tables.database().execute(
                                               "INSERT INTO none VALUES (1)");
                                         }),
                     "bad", outcomes));
    go.count_down();
    co_await tasks.empty();
  });
  EXPECT_EQ(runs, 2);  // with the bad one, then alone
  EXPECT_EQ(outcomes, (std::vector<std::string>{"first done", "good done", "bad failed"}));
}

TEST_F(SqliteStoreTest, AChangeThatNobodyWaitsForAnyMoreIsLeftOut) {
  auto changes = SqliteChanges::open(path());
  ASSERT_TRUE(changes);
  SqliteWriter writer(std::move(*changes));
  std::latch go(1);
  bool ran = false;
  run([&](net::Shard&) -> Task<void> {
    TaskSet tasks;
    const auto await = [](Task<Result<void>> change) -> Task<void> {
      static_cast<void>(co_await std::move(change));
    };
    tasks.spawn(await(writer.change<void>(0, [&go](SqliteChanges&) -> Result<void> {
      go.wait();
      return {};
    })));
    {
      Task<Result<void>> given_up = writer.change<void>(0, [&ran](SqliteChanges&) -> Result<void> {
        ran = true;
        return {};
      });
      given_up.start();
    }
    go.count_down();
    EXPECT_TRUE(co_await writer.change<void>(0, [](SqliteChanges&) { return Result<void>(); }));
    co_await tasks.empty();
  });
  EXPECT_FALSE(ran);
}

TEST_F(SqliteStoreTest, RefusesWritesWhenTooManyBytesWait) {
  auto changes = SqliteChanges::open(path());
  ASSERT_TRUE(changes);
  SqliteWriter writer(std::move(*changes));
  std::latch running(1);
  std::latch go(1);
  run([&](net::Shard&) -> Task<void> {
    TaskSet tasks;
    const auto await = [](Task<Result<void>> change) -> Task<void> {
      EXPECT_TRUE(co_await std::move(change));
    };
    tasks.spawn(await(writer.change<void>(200 << 20, [&](SqliteChanges&) -> Result<void> {
      running.count_down();
      go.wait();
      return {};
    })));
    running.wait();
    tasks.spawn(
        await(writer.change<void>(200 << 20, [](SqliteChanges&) { return Result<void>(); })));
    const auto refused =
        co_await writer.change<void>(200 << 20, [](SqliteChanges&) { return Result<void>(); });
    EXPECT_FALSE(refused);
    if (!refused) EXPECT_EQ(refused.error().code(), ErrorCode::kUnavailable);
    go.count_down();
    co_await tasks.empty();
  });
}

}  // namespace
}  // namespace nimbus::keyvalue
