#include "capability/keyvalue/redis/redis_store.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "base/sync.h"
#include "capability/keyvalue/conformance_cases.h"
#include "capability/keyvalue/limits.h"
#include "capability/keyvalue/redis/redis_client.h"
#include "capability/keyvalue/redis/test_redis_server.h"
#include "net/test_certificates.h"
#include "net/test_support.h"

namespace nimbus::keyvalue {
namespace {

using Work = std::move_only_function<Task<void>(Bucket&)>;

// One that was free a moment ago.
int freePort() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  ::close(fd);
  return ntohs(address.sin_port);
}

class RedisStoreTest : public net::ShardTest {
 protected:
  static std::unique_ptr<RedisStore> open(const RedisOptions& options) {
    auto opened = RedisStore::open(options);
    EXPECT_TRUE(opened) << opened.error().describe();
    return opened ? std::move(*opened) : nullptr;
  }

  void inBucket(Store& store, Work work, const Quota& quota = {}) {
    auto keyspace = store.keyspace("default/shop");
    keyspace->limit(quota);
    run([&](net::Shard&) -> Task<void> {
      auto bucket = co_await keyspace->open("bucket");
      EXPECT_TRUE(succeeded(bucket));
      if (bucket) co_await work(**bucket);
    });
  }

  // What opening a bucket fails by; empty: it does not.
  std::string failureOf(const RedisOptions& options, ErrorCode code = ErrorCode::kUnavailable) {
    const auto store = open(options);
    std::string failure;
    run([&](net::Shard&) -> Task<void> {
      const auto bucket = co_await store->keyspace("k")->open("b");
      if (bucket) co_return;
      EXPECT_EQ(codeOf(bucket), code) << bucket.error().describe();
      failure = bucket.error().describe();
    });
    return failure;
  }

  // What a plain client is answered: the text, or the number.
  std::string ask(const std::string& url, std::vector<std::string> words) {
    auto client = RedisClient::start({.url = url});
    EXPECT_TRUE(client) << client.error().describe();
    std::string answer;
    run([&](net::Shard&) -> Task<void> {
      RedisCommand command;
      for (std::string& word : words) command.words.push_back(Bytes::take(std::move(word)));
      const auto reply = co_await (*client)->call(std::move(command));
      EXPECT_TRUE(succeeded(reply));
      if (!reply) co_return;
      answer = reply->kind == RedisReply::Kind::kNumber ? std::to_string(reply->number)
                                                        : std::string(reply->text.text());
    });
    return answer;
  }
};

constexpr const char* kValues = "nimbus:{default/shop}:values:bucket";
constexpr const char* kIndex = "nimbus:{default/shop}:index:bucket";
constexpr const char* kUsage = "nimbus:{default/shop}:usage";

TEST_F(RedisStoreTest, AnotherStoreOfTheSameServerSeesWhatWasSet) {
  const TestRedisServer server;
  inBucket(*open({.url = server.url()}), [](Bucket& bucket) -> Task<void> {
    EXPECT_TRUE(co_await bucket.set("k", asBytes("v")));
    EXPECT_EQ(co_await bucket.increment("n", 41), 41U);
  });
  inBucket(*open({.url = server.url()}), [](Bucket& bucket) -> Task<void> {
    EXPECT_EQ(textOf(co_await bucket.get("k")), "v");
    EXPECT_EQ(co_await bucket.increment("n", 1), 42U);
  });
}

TEST_F(RedisStoreTest, CountsTheQuotaOfWhatAllItsStoresHaveSet) {
  const TestRedisServer server;
  const auto first = open({.url = server.url()});
  const auto second = open({.url = server.url()});
  const Quota quota{.max_bytes = entryCost(1, 10), .max_keys = {}};
  inBucket(
      *first,
      [](Bucket& bucket) -> Task<void> {
        EXPECT_TRUE(co_await bucket.set("a", asBytes("0123456789")));
      },
      quota);
  EXPECT_EQ(ask(server.url(), {"HGET", kUsage, "bytes"}), std::to_string(entryCost(1, 10)));
  EXPECT_EQ(ask(server.url(), {"HGET", kUsage, "keys"}), "1");
  inBucket(
      *second,
      [](Bucket& bucket) -> Task<void> {
        EXPECT_EQ(codeOf(co_await bucket.set("b", {})), ErrorCode::kResourceExhausted);
        EXPECT_TRUE(co_await bucket.remove("a"));
        EXPECT_TRUE(co_await bucket.set("b", asBytes("0123456789")));
      },
      quota);
  EXPECT_EQ(ask(server.url(), {"HGET", kUsage, "keys"}), "1");
}

Task<void> incrementMany(Bucket& bucket, int times, std::set<std::uint64_t>& seen) {
  for (int i = 0; i < times; ++i) {
    const auto sum = co_await bucket.increment("n", 1);
    EXPECT_TRUE(succeeded(sum));
    if (sum) EXPECT_TRUE(seen.insert(*sum).second) << *sum;
  }
}

TEST_F(RedisStoreTest, StoresCountTogether) {
  const TestRedisServer server;
  const auto first = open({.url = server.url()});
  const auto second = open({.url = server.url()});
  run([&](net::Shard&) -> Task<void> {
    const auto one = co_await first->keyspace("k")->open("b");
    const auto two = co_await second->keyspace("k")->open("b");
    EXPECT_TRUE(one && two);
    if (!one || !two) co_return;
    std::set<std::uint64_t> seen;
    TaskSet tasks;
    for (int i = 0; i < 4; ++i) {
      tasks.spawn(incrementMany(**one, 50, seen));
      tasks.spawn(incrementMany(**two, 50, seen));
    }
    co_await tasks.empty();
    EXPECT_EQ(seen.size(), 400U);
    EXPECT_EQ(textOf(co_await (*one)->get("n")), "400");
  });
}

TEST_F(RedisStoreTest, ShardsShareOneStore) {
  const TestRedisServer server;
  const auto store = open({.url = server.url()});
  const auto keyspace = store->keyspace("k");
  auto group = net::ShardGroup::start(3);
  ASSERT_TRUE(group);
  std::vector<std::set<std::uint64_t>> seen(3);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] {
      (*group)->runTask(i, [&, i](net::Shard&) -> Task<void> {
        const auto bucket = co_await keyspace->open("b");
        EXPECT_TRUE(succeeded(bucket));
        if (!bucket) co_return;
        co_await incrementMany(**bucket, 200, seen[i]);
      });
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<std::uint64_t> all;
  for (const auto& part : seen) all.insert(part.begin(), part.end());
  EXPECT_EQ(all.size(), 600U);
  EXPECT_EQ(*all.rbegin(), 600U);
}

TEST_F(RedisStoreTest, KeepsTheLargestValueByteForByte) {
  const TestRedisServer server;
  std::string value(kMaxValueBytes, '\0');
  for (std::size_t i = 0; i < value.size(); ++i) value[i] = static_cast<char>(i * 31);
  inBucket(*open({.url = server.url()}), [&](Bucket& bucket) -> Task<void> {
    EXPECT_TRUE(succeeded(co_await bucket.set("large", asBytes(value))));
    EXPECT_TRUE(textOf(co_await bucket.get("large")) == value);
  });
}

TEST_F(RedisStoreTest, PlainClientsSeeValuesAndTheirsAreSeenButNotListed) {
  const TestRedisServer server;
  const auto store = open({.url = server.url()});
  inBucket(*store, [](Bucket& bucket) -> Task<void> {
    EXPECT_TRUE(co_await bucket.set("ours", asBytes("1")));
  });
  EXPECT_EQ(ask(server.url(), {"HGET", kValues, "ours"}), "1");
  EXPECT_EQ(ask(server.url(), {"HSET", kValues, "theirs", "5"}), "1");
  inBucket(*store, [](Bucket& bucket) -> Task<void> {
    EXPECT_EQ(textOf(co_await bucket.get("theirs")), "5");
    EXPECT_EQ(co_await allKeys(bucket), std::set<std::string>{"ours"});
    // From the first write of ours on it is one of ours.
    EXPECT_EQ(co_await bucket.increment("theirs", 2), 7U);
    EXPECT_EQ(co_await allKeys(bucket), (std::set<std::string>{"ours", "theirs"}));
  });
  EXPECT_EQ(ask(server.url(), {"HGET", kUsage, "keys"}), "2");
}

TEST_F(RedisStoreTest, RefusesAnIndexWhoseNumbersAreNotItsOwn) {
  const TestRedisServer server;
  const auto store = open({.url = server.url()});
  for (const char* number : {"0.5", "-inf", "1e300"}) {
    EXPECT_EQ(ask(server.url(), {"DEL", kIndex}).size(), 1U);
    EXPECT_EQ(ask(server.url(), {"ZADD", kIndex, number, "k"}), "1");
    inBucket(*store, [&](Bucket& bucket) -> Task<void> {
      const auto page = co_await bucket.listKeys(std::nullopt);
      if (std::string_view(number) == "-inf") {
        EXPECT_TRUE(page && page->keys.empty());  // lies before all pages
      } else {
        EXPECT_EQ(codeOf(page), ErrorCode::kIo);
      }
    });
  }
}

TEST_F(RedisStoreTest, PassesOverWhatCanBeNoKey) {
  const TestRedisServer server;
  const auto store = open({.url = server.url()});
  EXPECT_EQ(ask(server.url(),
                {"ZADD", kIndex, "1", "\xff", "2", "key", "3", std::string(kMaxKeyBytes + 1, 'k')}),
            "3");
  inBucket(*store, [](Bucket& bucket) -> Task<void> {
    EXPECT_EQ(co_await allKeys(bucket), std::set<std::string>{"key"});
  });
}

TEST_F(RedisStoreTest, SaysThatAKeyOfTheServerIsSomethingElse) {
  const TestRedisServer server;
  const auto store = open({.url = server.url()});
  EXPECT_EQ(ask(server.url(), {"SET", kValues, "text"}), "OK");
  inBucket(*store, [](Bucket& bucket) -> Task<void> {
    const auto value = co_await bucket.get("k");
    EXPECT_TRUE(textOf(value).contains("WRONGTYPE")) << textOf(value);
    EXPECT_EQ(codeOf(value), ErrorCode::kIo);
  });
}

TEST_F(RedisStoreTest, CountsNothingThatItCannotWrite) {
  const TestRedisServer server;
  const auto store = open({.url = server.url()});
  const auto expectNoChange = [&] {
    inBucket(*store, [](Bucket& bucket) -> Task<void> {
      EXPECT_EQ(codeOf(co_await bucket.set("k", asBytes("v"))), ErrorCode::kIo);
      EXPECT_EQ(codeOf(co_await bucket.increment("n", 1)), ErrorCode::kIo);
      EXPECT_EQ(codeOf(co_await bucket.remove("theirs")), ErrorCode::kIo);
    });
    EXPECT_EQ(ask(server.url(), {"HLEN", kUsage}), "0");
  };
  EXPECT_EQ(ask(server.url(), {"SET", kValues, "text"}), "OK");
  expectNoChange();
  EXPECT_EQ(ask(server.url(), {"DEL", kValues}), "1");
  EXPECT_EQ(ask(server.url(), {"HSET", kValues, "theirs", "5"}), "1");
  EXPECT_EQ(ask(server.url(), {"SET", kIndex, "text"}), "OK");
  expectNoChange();
  EXPECT_EQ(ask(server.url(), {"HLEN", kValues}), "1");
}

TEST_F(RedisStoreTest, LeavesAMasterThatHasBecomeAReplica) {
  const TestRedisServer before;
  const TestRedisServer after;
  const TemporaryFolder folder;
  const std::string name = folder.path("name");
  ASSERT_EQ(::symlink(before.socket().c_str(), name.c_str()), 0);
  const auto store = open({.url = "unix:" + name});
  inBucket(*store,
           [](Bucket& bucket) -> Task<void> { EXPECT_EQ(co_await bucket.increment("n", 1), 1U); });
  EXPECT_EQ(ask(before.url(), {"REPLICAOF", "127.0.0.1", std::to_string(freePort())}), "OK");
  inBucket(*store, [&](Bucket& bucket) -> Task<void> {
    EXPECT_EQ(textOf(co_await bucket.get("n")), "1");
    const auto refused = co_await bucket.increment("n", 1);
    EXPECT_EQ(codeOf(refused), ErrorCode::kUnavailable);
    if (!refused) EXPECT_TRUE(refused.error().describe().contains("READONLY"));
  });
  ASSERT_EQ(::unlink(name.c_str()), 0);
  ASSERT_EQ(::symlink(after.socket().c_str(), name.c_str()), 0);
  auto keyspace = store->keyspace("default/shop");
  run([&](net::Shard& shard) -> Task<void> {
    const TimePoint end = shard.now() + std::chrono::seconds(60);
    Result<std::uint64_t> sum = fail(ErrorCode::kInternal, "not yet");
    while (!sum && shard.now() < end) {
      co_await shard.sleepFor(std::chrono::milliseconds(5));
      const auto bucket = co_await keyspace->open("bucket");
      if (bucket) sum = co_await (*bucket)->increment("n", 1);
    }
    EXPECT_EQ(sum, 1U);
    EXPECT_EQ(store->problem(), "");
  });
}

TEST_F(RedisStoreTest, SendsScriptsAgainThatTheServerHasForgotten) {
  const TestRedisServer server;
  const auto store = open({.url = server.url()});
  for (int i = 1; i <= 3; ++i) {
    inBucket(*store, [i](Bucket& bucket) -> Task<void> {
      std::set<std::uint64_t> seen;
      co_await incrementMany(bucket, 10, seen);
      EXPECT_EQ(textOf(co_await bucket.get("n")), std::to_string(i * 10));
    });
    EXPECT_EQ(ask(server.url(), {"SCRIPT", "FLUSH"}), "OK");
  }
}

TEST_F(RedisStoreTest, BucketsHaveABound) {
  const TestRedisServer server;
  std::vector<std::string> words = {"SADD", "nimbus:{k}:buckets"};
  for (std::size_t i = 0; i + 1 < kMaxBuckets; ++i) words.push_back("b" + std::to_string(i));
  EXPECT_EQ(ask(server.url(), std::move(words)), std::to_string(kMaxBuckets - 1));
  const auto store = open({.url = server.url()});
  run([&](net::Shard&) -> Task<void> {
    const auto keyspace = store->keyspace("k");
    EXPECT_TRUE(succeeded(co_await keyspace->open("last")));
    EXPECT_TRUE(succeeded(co_await keyspace->open("b17")));
    const auto refused = co_await keyspace->open("more");
    EXPECT_EQ(codeOf(refused), ErrorCode::kResourceExhausted);
    EXPECT_TRUE(succeeded(co_await store->keyspace("other")->open("more")));
  });
}

TEST_F(RedisStoreTest, PrefixesKeepPlatformsApart) {
  const TestRedisServer server;
  const auto one = open({.url = server.url(), .prefix = "one"});
  const auto two = open({.url = server.url(), .prefix = "two"});
  inBucket(*one, [](Bucket& bucket) -> Task<void> {
    EXPECT_TRUE(co_await bucket.set("k", asBytes("v")));
  });
  inBucket(*two, [](Bucket& bucket) -> Task<void> {
    EXPECT_EQ(textOf(co_await bucket.get("k")), "nothing");
  });
  EXPECT_EQ(ask(server.url(), {"HGET", "one:{default/shop}:values:bucket", "k"}), "v");
}

TEST_F(RedisStoreTest, ComesOverTcpToTheDatabaseOfTheUrl) {
  const int port = freePort();
  const TestRedisServer server(fmt::format("port {}\nbind 127.0.0.1\n", port));
  const std::string url = fmt::format("redis://localhost:{}", port);
  inBucket(*open({.url = url + "/3"}), [](Bucket& bucket) -> Task<void> {
    EXPECT_TRUE(succeeded(co_await bucket.set("k", asBytes("v"))));
  });
  inBucket(*open({.url = url}), [](Bucket& bucket) -> Task<void> {
    EXPECT_EQ(textOf(co_await bucket.get("k")), "nothing");
  });
  EXPECT_EQ(ask(url + "/3", {"HGET", kValues, "k"}), "v");
  EXPECT_TRUE(failureOf({.url = url + "/99"}).contains("database 99 cannot be used"));
}

TEST_F(RedisStoreTest, ComesByTlsToAServerWhoseCertificateItTrusts) {
  const net::TestAuthority authority;
  const net::TlsCertificate certificate = authority.issue("redis", "IP:127.0.0.1");
  const int port = freePort();
  const TestRedisServer server(
      fmt::format("tls-port {}\nbind 127.0.0.1\ntls-cert-file {}\ntls-key-file {}\n"
                  "tls-ca-cert-file {}\ntls-auth-clients no\n",
                  port, certificate.certificate_path, certificate.key_path, authority.caPath()));
  RedisOptions options{.url = fmt::format("rediss://127.0.0.1:{}", port)};
  options.tls.system_roots = false;
  options.tls.extra_ca_paths = {authority.caPath()};
  inBucket(*open(options), [](Bucket& bucket) -> Task<void> {
    EXPECT_TRUE(succeeded(co_await bucket.set("k", asBytes(std::string(1 << 20, 'v')))));
    EXPECT_EQ(textOf(co_await bucket.get("k")).size(), 1U << 20);
  });
  const net::TestAuthority other;
  options.tls.extra_ca_paths = {other.caPath()};
  EXPECT_NE(failureOf(options, ErrorCode::kPermissionDenied), "");
  options.tls.extra_ca_paths = {"/none/ca.pem"};
  EXPECT_FALSE(RedisStore::open(options));
}

TEST_F(RedisStoreTest, ShowsUserAndPassword) {
  const int port = freePort();
  const TestRedisServer server(
      fmt::format("port {}\nbind 127.0.0.1\nrequirepass s3cret\n"
                  "user reader on >re@der ~* &* -@all +hget +ping\n"
                  "user scripter on >scr1pter ~* &* -@all +eval +evalsha +ping\n"
                  "user elsewhere on >else ~other:* &* +@all\n"
                  "user writer on >wr1ter ~* &* +@all\n",
                  port));
  const std::string place = fmt::format("127.0.0.1:{}", port);
  EXPECT_EQ(failureOf({.url = "redis://:s3cret@" + place}), "");
  EXPECT_EQ(failureOf({.url = "redis://writer:wr1ter@" + place}), "");
  std::ofstream(server.path("password")) << "wr1ter\n";
  const std::string file = server.path("password");
  EXPECT_EQ(failureOf({.url = "redis://writer@" + place, .password_file = file}), "");
  std::ofstream(server.path("password")) << "s3cret";
  EXPECT_EQ(failureOf({.url = server.url(), .password_file = file}), "");

  constexpr ErrorCode kDenied = ErrorCode::kPermissionDenied;
  const std::string wrong = failureOf({.url = "redis://writer:guess@" + place}, kDenied);
  EXPECT_EQ(wrong, "Redis server redis://" + place +
                       "/0: the server refuses the password, or its user (WRONGPASS)");
  const std::string none = failureOf({.url = "redis://" + place}, kDenied);
  EXPECT_TRUE(none.contains("the server asks for a password (NOAUTH)")) << none;
  EXPECT_TRUE(failureOf({.url = "redis://" + place + "/1"}, kDenied).contains("NOAUTH"));
  const std::string reader = failureOf({.url = "redis://reader:re%40der@" + place}, kDenied);
  EXPECT_TRUE(reader.contains("NOPERM")) << reader;
  const std::string scripter = failureOf({.url = "redis://scripter:scr1pter@" + place}, kDenied);
  EXPECT_TRUE(scripter.contains("can't run this command")) << scripter;
  EXPECT_NE(failureOf({.url = "redis://elsewhere:else@" + place}, kDenied), "");
  EXPECT_TRUE(failureOf({.url = server.url(), .password_file = "/none/password"})
                  .contains("/none/password"));
}

TEST_F(RedisStoreTest, RefusesOptionsThatCannotBe) {
  const auto refusal = [](const RedisOptions& options) {
    const auto opened = RedisStore::open(options);
    EXPECT_FALSE(opened);
    if (opened) return std::string();
    EXPECT_EQ(codeOf(opened), ErrorCode::kInvalidArgument);
    EXPECT_FALSE(opened.error().describe().contains("s3cret"));
    return opened.error().describe();
  };
  EXPECT_TRUE(refusal({.url = "http://me:s3cret@h"}).contains("expected redis://"));
  EXPECT_TRUE(refusal({.url = "redis://me:s3cret@h:x"}).contains("the port"));
  EXPECT_TRUE(refusal({.url = "redis://me@h"}).contains("there is no password"));
  EXPECT_TRUE(
      refusal({.url = "redis://:s3cret@h", .password_file = "f"}).contains("one in a file"));
  EXPECT_TRUE(refusal({.url = "redis://h", .prefix = "a{b}"}).contains("a{b}"));
}

TEST_F(RedisStoreTest, SaysThatTheServersMemoryIsFull) {
  const TestRedisServer server("maxmemory 1mb\nmaxmemory-policy noeviction\n");
  const auto store = open({.url = server.url()});
  run([&](net::Shard&) -> Task<void> {
    const auto bucket = co_await store->keyspace("k")->open("b");
    if (!bucket) {
      EXPECT_EQ(codeOf(bucket), ErrorCode::kResourceExhausted) << bucket.error().describe();
      co_return;
    }
    static_cast<void>(co_await (*bucket)->set("a", asBytes(std::string(1 << 20, 'v'))));
    EXPECT_EQ(codeOf(co_await (*bucket)->set("b", asBytes("v"))), ErrorCode::kResourceExhausted);
  });
}

TEST_F(RedisStoreTest, CallsFailAtOnceWhileNobodyIsThereAndWorkOnceSomebodyIs) {
  TestRedisServer server;
  const auto store = open({.url = server.url()});
  auto keyspace = store->keyspace("k");
  std::shared_ptr<Bucket> bucket;
  run([&](net::Shard&) -> Task<void> {
    const auto opened = co_await keyspace->open("b");
    EXPECT_TRUE(succeeded(opened));
    if (!opened) co_return;
    bucket = *opened;
    EXPECT_EQ(co_await bucket->increment("n", 1), 1U);
  });
  ASSERT_NE(bucket, nullptr);
  EXPECT_EQ(store->problem(), "");
  server.stop();
  run([&](net::Shard&) -> Task<void> {
    for (int i = 0; i < 20; ++i) {
      EXPECT_EQ(codeOf(co_await bucket->get("n")), ErrorCode::kUnavailable);
    }
    EXPECT_TRUE(store->problem().contains(server.url())) << store->problem();
  });
  server.start();
  run([&](net::Shard& shard) -> Task<void> {
    const TimePoint end = shard.now() + std::chrono::seconds(60);
    Result<std::uint64_t> sum = co_await bucket->increment("n", 5);
    while (!sum && shard.now() < end) {
      EXPECT_EQ(codeOf(sum), ErrorCode::kUnavailable);
      co_await shard.sleepFor(std::chrono::milliseconds(5));
      sum = co_await bucket->increment("n", 5);
    }
    EXPECT_EQ(sum, 5U);  // it kept nothing on disk, nor its scripts
    EXPECT_EQ(store->problem(), "");
  });
}

TEST_F(RedisStoreTest, AServerMayComeLaterThanTheStore) {
  TestRedisServer server;
  server.stop();
  const auto store = open({.url = server.url()});
  run([&](net::Shard&) -> Task<void> { EXPECT_FALSE(co_await store->keyspace("k")->open("b")); });
  server.start();
  run([&](net::Shard& shard) -> Task<void> {
    const TimePoint end = shard.now() + std::chrono::seconds(60);
    auto bucket = co_await store->keyspace("k")->open("b");
    while (!bucket && shard.now() < end) {
      co_await shard.sleepFor(std::chrono::milliseconds(5));
      bucket = co_await store->keyspace("k")->open("b");
    }
    EXPECT_TRUE(succeeded(bucket));
  });
}

TEST_F(RedisStoreTest, AServerThatStallsIsGivenUpAndComesBack) {
  TestRedisServer server;
  RedisOptions options{.url = server.url()};
  options.connect_timeout = std::chrono::seconds(3);
  options.response_timeout = std::chrono::seconds(3);
  const auto store = open(options);
  std::shared_ptr<Bucket> bucket;
  auto keyspace = store->keyspace("k");
  run([&](net::Shard&) -> Task<void> {
    const auto opened = co_await keyspace->open("b");
    EXPECT_TRUE(succeeded(opened));
    if (!opened) co_return;
    bucket = *opened;
    server.signal(SIGSTOP);
    const auto value = co_await bucket->get("k");
    EXPECT_EQ(codeOf(value), ErrorCode::kUnavailable);
    EXPECT_TRUE(textOf(value).ends_with("no reply within 3000 ms")) << textOf(value);
    // It still takes connections.
    Result<std::optional<Bytes>> next = co_await bucket->get("k");
    EXPECT_TRUE(textOf(next).ends_with("no connection within 3000 ms")) << textOf(next);
  });
  server.signal(SIGCONT);
  ASSERT_NE(bucket, nullptr);
  run([&](net::Shard& shard) -> Task<void> {
    const TimePoint end = shard.now() + std::chrono::seconds(60);
    auto value = co_await bucket->get("k");
    while (!value && shard.now() < end) {
      co_await shard.sleepFor(std::chrono::milliseconds(5));
      value = co_await bucket->get("k");
    }
    EXPECT_EQ(textOf(value), "nothing");
  });
}

Task<void> expectValue(Bucket& bucket, std::string key) {
  EXPECT_EQ(textOf(co_await bucket.get(key)), "value of " + key);
}

TEST_F(RedisStoreTest, CallsThatAreGivenUpMixNobodysReplies) {
  const TestRedisServer server;
  inBucket(*open({.url = server.url()}), [](Bucket& bucket) -> Task<void> {
    for (int i = 0; i < 100; ++i) {
      const std::string key = std::to_string(i);
      EXPECT_TRUE(co_await bucket.set(key, asBytes("value of " + key)));
    }
    TaskSet kept;
    for (int round = 0; round < 20; ++round) {
      TaskSet given_up;
      for (int i = 0; i < 100; ++i)
        (i % 3 == 0 ? kept : given_up).spawn(expectValue(bucket, std::to_string(i)));
    }
    co_await kept.empty();
  });
}

TEST_F(RedisStoreTest, TheServerMayGoBeforeTheStoreAndTheStoreBeforeItsBuckets) {
  auto server = std::make_unique<TestRedisServer>();
  auto store = open({.url = server->url()});
  run([&](net::Shard&) -> Task<void> {
    const auto bucket = co_await store->keyspace("k")->open("b");
    EXPECT_TRUE(succeeded(bucket));
    if (!bucket) co_return;
    store.reset();
    EXPECT_TRUE(co_await (*bucket)->set("k", asBytes("v")));
    server.reset();
    EXPECT_FALSE(co_await (*bucket)->get("k"));
  });
}

}  // namespace
}  // namespace nimbus::keyvalue
