// What a key-value store in NATS does while its server fails, refuses, or answers nonsense.

#include <map>

#include "capability/keyvalue/conformance_cases.h"
#include "capability/keyvalue/nats/nats_test_support.h"

namespace nimbus::keyvalue {
namespace {

constexpr const char* kKeyspace = "shared/default/carts";

class NatsFailureTest : public NatsTest {
 protected:
  void TearDown() override {
    keyspace_.reset();
    store_.reset();
    NatsTest::TearDown();
  }
  void connectStore(NatsStoreOptions options = {}, std::string_view user_info = {}) {
    store_ = connect(std::move(options), user_info);
    ASSERT_NE(store_, nullptr);
    keyspace_ = store_->keyspace(kKeyspace);
  }
  void inBucket(Work work) { NatsTest::inBucket(*keyspace_, "bucket", std::move(work)); }
  [[nodiscard]] Error errorOfOpen() {
    Error error(ErrorCode::kInternal, "it succeeded");
    run([&](net::Shard&) -> Task<void> {
      auto bucket = co_await keyspace_->open("bucket");
      if (!bucket) error = bucket.error();
    });
    return error;
  }

  std::unique_ptr<NatsStore> store_;
  std::shared_ptr<Keyspace> keyspace_;
};

TEST_F(NatsFailureTest, SaysThatTheServerHasNoJetStream) {
  startPlainServer();
  connectStore();
  const Error error = errorOfOpen();
  EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
  EXPECT_TRUE(error.describe().contains("has no JetStream")) << error.describe();
}

TEST_F(NatsFailureTest, SaysThatNoServerIsThere) {
  startPlainServer();
  const std::string url = server_->url();
  server_->stop();
  run([&](net::Shard& shard) -> Task<void> {
    const auto store = co_await NatsStore::connect(shard, {.servers = {url}}, {}, *log_);
    EXPECT_EQ(codeOf(store), ErrorCode::kUnavailable);
  });
}

TEST_F(NatsFailureTest, KeepsEverythingAcrossARestartOfTheServer) {
  startServer();
  connectStore();
  inBucket([&](Bucket& bucket) -> Task<void> {
    EXPECT_TRUE(succeeded(co_await bucket.set("k", asBytes("v"))));
    EXPECT_EQ(co_await bucket.increment("n", 41), 41U);
  });
  server_->stop();
  // Until the connection is known to be lost, a request waits for its time.
  inBucket([&](Bucket& bucket) -> Task<void> {
    EXPECT_EQ(codeOf(co_await bucket.get("k")), ErrorCode::kUnavailable);
    EXPECT_EQ(codeOf(co_await bucket.set("k", {})), ErrorCode::kUnavailable);
    EXPECT_EQ(codeOf(co_await bucket.increment("n", 1)), ErrorCode::kUnavailable);
    EXPECT_EQ(codeOf(co_await bucket.listKeys({})), ErrorCode::kUnavailable);
    EXPECT_EQ(codeOf(co_await bucket.removeMany({"k"})), ErrorCode::kUnavailable);
  });
  server_->restart();
  run([&](net::Shard& shard) -> Task<void> {
    const auto bucket = co_await keyspace_->open("bucket");
    EXPECT_TRUE(succeeded(bucket));
    if (!bucket) co_return;
    auto value = co_await (*bucket)->get("k");
    for (int attempt = 0; attempt < 500 && !value; ++attempt) {
      co_await shard.sleepFor(std::chrono::milliseconds(20));
      value = co_await (*bucket)->get("k");
    }
    EXPECT_EQ(textOf(value), "v");
    EXPECT_EQ(co_await (*bucket)->increment("n", 1), 42U);
  });
}

TEST_F(NatsFailureTest, TellsWhatItMayNotDo) {
  startServer(
      "authorization { users: [ { user: me, password: x, permissions: { publish: { deny: "
      "[\"$JS.API.STREAM.PURGE.>\"] } } } ] }");
  connectStore({}, "me:x@");
  inBucket([&](Bucket& bucket) -> Task<void> {
    EXPECT_TRUE(succeeded(co_await bucket.set("k", asBytes("v"))));
    const auto removed = co_await bucket.remove("k");
    EXPECT_EQ(codeOf(removed), ErrorCode::kPermissionDenied);
    EXPECT_EQ(textOf(co_await bucket.get("k")), "v");
  });
}

TEST_F(NatsFailureTest, RefusesAValueThatTheServerDoesNotTake) {
  startServer("max_payload: 2048\n");
  connectStore();
  inBucket([&](Bucket& bucket) -> Task<void> {
    const auto refused = co_await bucket.set("k", asBytes(std::string(2048, 'v')));
    EXPECT_EQ(codeOf(refused), ErrorCode::kInvalidArgument);
    if (!refused) EXPECT_TRUE(refused.error().message().contains("2048"));
    std::vector<Entry> entries;
    entries.push_back({"small", Bytes::copyOf("v")});
    entries.push_back({"z", Bytes::copyOf(std::string(2048, 'v'))});
    EXPECT_FALSE((co_await bucket.setMany(std::move(entries))).has_value());
    EXPECT_TRUE((co_await allKeys(bucket)).empty());
    EXPECT_TRUE(succeeded(co_await bucket.set("k", asBytes(std::string(1900, 'v')))));
  });
}

TEST_F(NatsFailureTest, RefusesMoreThanTheServerHas) {
  startServer("jetstream { max_file_store: 1MB }\n");
  connectStore();
  keyspace_->limit({.max_bytes = 2 << 20, .max_keys = {}});
  EXPECT_EQ(errorOfOpen().code(), ErrorCode::kResourceExhausted) << errorOfOpen().describe();
}

// A server's JetStream by someone who means no good: answers requests with what it is told.
class FakeJetStream final : public nats::Subscriber {
 public:
  // A valid stream, so that calls come to what they are for.
  static constexpr const char* kStream =
      R"({"config":{"subjects":["$KV.nimbus_shared__default__carts.>"],"allow_direct":true,)"
      R"("num_replicas":1},"state":{"subjects":)"
      R"({"$KV.nimbus_shared__default__carts.bucket.x":1}},"total":1})";

  struct Answer {
    std::string payload;
    nats::Connection::Headers headers;
  };
  // The longest beginning of the subject decides; without one, there is no answer.
  std::map<std::string, std::vector<Answer>> answers;

  int infos = 0;  // that were asked for

  static Task<void> serve(net::Shard& shard, std::string url, Logger& log,
                          std::move_only_function<Task<void>(FakeJetStream&)> work) {
    FakeJetStream fake;
    const auto client = co_await PlainClient::connect(shard, std::move(url), log);
    fake.connection_ = &client->connection();
    fake.answers["$JS.API.STREAM.INFO."] = {{.payload = kStream, .headers = {}}};
    {
      const auto api = fake.connection_->subscribe(shard, {.subject = "$JS.API.>"}, fake);
      const auto values = fake.connection_->subscribe(shard, {.subject = "$KV.>"}, fake);
      EXPECT_TRUE(succeeded(co_await fake.connection_->flush(shard, std::chrono::seconds(5))));
      co_await work(fake);
    }
    co_await client->close();
  }

  void received(nats::Message message) override {
    infos += message.subject().starts_with("$JS.API.STREAM.INFO.") ? 1 : 0;
    for (const auto& [beginning, given] : answers) {
      if (!message.subject().starts_with(beginning)) continue;
      for (const Answer& answer : given)
        EXPECT_TRUE(connection_->publish(std::string(message.reply()), "", answer.headers,
                                         asBytes(answer.payload)));
    }
  }
  void noResponders() override {}
  void lost(Error /*why*/) override {}

 private:
  nats::Connection* connection_ = nullptr;
};

class HostileServerTest : public NatsFailureTest {
 protected:
  void SetUp() override {
    NatsFailureTest::SetUp();
    startPlainServer();
    connectStore();
  }
  // Runs the work with a bucket, if it can be opened, of a server that answers so.
  void serve(std::move_only_function<Task<void>(FakeJetStream&, Bucket&)> work) {
    run([&](net::Shard& shard) -> Task<void> {
      co_await FakeJetStream::serve(shard, server_->url(), *log_,
                                    [&](FakeJetStream& fake) -> Task<void> {
                                      auto bucket = co_await keyspace_->open("bucket");
                                      EXPECT_TRUE(succeeded(bucket));
                                      if (bucket) co_await work(fake, **bucket);
                                    });
    });
  }

  static std::vector<FakeJetStream::Answer> nonsense() {
    std::vector<FakeJetStream::Answer> all;
    for (const char* text :
         {"", "{}", "[]", "null", "{", "\xff\xfe\x00", R"({"error":{"code":"x","err_code":-1}})",
          R"({"error":{"code":1e99,"err_code":1e99,"description":["x"]}})", R"({"seq":-1})",
          R"({"seq":99999999999999999999,"stream":7})", R"({"name":"a.>","success":"true"})",
          R"({"config":{},"state":[]})", R"({"stream":"another","seq":1,"message":{}})"})
      all.push_back({.payload = text, .headers = {}});
    all.push_back({.payload = "x", .headers = {{"Nats-Sequence", "-1"}}});
    all.push_back({.payload = "x", .headers = {{"Nats-Sequence", "99999999999999999999"}}});
    all.push_back({.payload = std::string(500 << 10, '['), .headers = {}});
    return all;
  }
};

TEST_F(HostileServerTest, NonsenseIsAnErrorOfEveryCall) {
  serve([](FakeJetStream& fake, Bucket& bucket) -> Task<void> {
    for (const FakeJetStream::Answer& answer : nonsense()) {
      SCOPED_TRACE(answer.payload.substr(0, 60));
      for (const char* subject :
           {"$JS.API.DIRECT.GET.", "$JS.API.STREAM.PURGE.", "$KV.", "$JS.API.CONSUMER.CREATE."})
        fake.answers[subject] = {answer};
      EXPECT_FALSE(co_await bucket.get("k"));
      EXPECT_FALSE(co_await bucket.exists("k"));
      EXPECT_FALSE((co_await bucket.set("k", asBytes("v"))).has_value());
      EXPECT_FALSE((co_await bucket.remove("k")).has_value());
      EXPECT_FALSE(co_await bucket.increment("k", 1));
      EXPECT_FALSE(co_await bucket.listKeys({}));
      EXPECT_FALSE(co_await bucket.getMany({"a", "b"}));
      EXPECT_FALSE((co_await bucket.removeMany({"a", "b"})).has_value());
    }
  });
}

TEST_F(HostileServerTest, NonsenseAboutAStreamIsAnErrorOfItsOpening) {
  run([&](net::Shard& shard) -> Task<void> {
    co_await FakeJetStream::serve(
        shard, server_->url(), *log_, [&](FakeJetStream& fake) -> Task<void> {
          for (const FakeJetStream::Answer& answer : nonsense()) {
            fake.answers["$JS.API.STREAM.INFO."] = {answer};
            EXPECT_FALSE(co_await keyspace_->open("bucket")) << answer.payload.substr(0, 60);
          }
        });
  });
}

Task<void> openBucket(Keyspace& keyspace) {
  EXPECT_TRUE(succeeded(co_await keyspace.open("bucket")));
}

TEST_F(HostileServerTest, CallsThatNeedTheStreamAtOnceAskForItOnce) {
  run([&](net::Shard& shard) -> Task<void> {
    co_await FakeJetStream::serve(
        shard, server_->url(), *log_, [&](FakeJetStream& fake) -> Task<void> {
          TaskSet opening;
          for (int i = 0; i < 20; ++i) opening.spawn(openBucket(*keyspace_));
          co_await opening.empty();
          EXPECT_EQ(fake.infos, 1);
          // Who asks may give up; then another one does.
          const auto other = store_->keyspace("other");
          fake.answers["$JS.API.STREAM.INFO."][0].payload =
              R"({"config":{"subjects":["$KV.nimbus_other.>"]},"state":{}})";
          auto given_up = std::make_unique<TaskSet>();
          given_up->spawn(openBucket(*other));
          for (int i = 0; i < 20; ++i) opening.spawn(openBucket(*other));
          given_up.reset();
          co_await opening.empty();
          EXPECT_EQ(fake.infos, 3);
        });
  });
}

TEST_F(HostileServerTest, CallsThatFailToGetTheStreamFailTogether) {
  connectStore({.timeout = std::chrono::milliseconds(300)});
  run([&](net::Shard& shard) -> Task<void> {
    co_await FakeJetStream::serve(
        shard, server_->url(), *log_, [&](FakeJetStream& fake) -> Task<void> {
          fake.answers.clear();
          struct Each {
            static Task<void> fails(Keyspace& keyspace) {
              EXPECT_EQ(codeOf(co_await keyspace.open("bucket")), ErrorCode::kUnavailable);
            }
          };
          TaskSet opening;
          for (int i = 0; i < 20; ++i) opening.spawn(Each::fails(*keyspace_));
          co_await opening.empty();
          EXPECT_EQ(fake.infos, 1);
        });
  });
}

TEST_F(HostileServerTest, ACounterThatIsNeverTheLastEndsInAnError) {
  serve([](FakeJetStream& fake, Bucket& bucket) -> Task<void> {
    fake.answers["$JS.API.DIRECT.GET."] = {
        {.payload = "1", .headers = {{"Nats-Sequence", "1"}, {"Nats-Subject", "x"}}}};
    fake.answers["$KV."] = {
        {.payload = R"({"error":{"code":400,"err_code":10071,"description":"wrong"}})",
         .headers = {}}};
    const auto counted = co_await bucket.increment("k", 1);
    EXPECT_EQ(codeOf(counted), ErrorCode::kUnavailable);
    if (!counted)
      EXPECT_TRUE(counted.error().message().contains("others change the counter"))
          << counted.error().describe();
  });
}

TEST_F(HostileServerTest, AListingWithoutAnEndIsGivenUp) {
  connectStore({.timeout = std::chrono::milliseconds(300)});
  serve([](FakeJetStream& fake, Bucket& bucket) -> Task<void> {
    fake.answers["$JS.API.CONSUMER.CREATE."] = {{.payload = R"({"name":"c"})", .headers = {}}};
    EXPECT_EQ(codeOf(co_await bucket.listKeys({})), ErrorCode::kUnavailable);
  });
}

TEST_F(HostileServerTest, AListingTakesOnlyWhatBelongsToIt) {
  serve([](FakeJetStream& fake, Bucket& bucket) -> Task<void> {
    fake.answers["$JS.API.CONSUMER.CREATE."] = {{.payload = R"({"name":"c"})", .headers = {}}};
    // Nothing now, for ever.
    fake.answers["$JS.API.CONSUMER.MSG.NEXT."] = {{.payload = "", .headers = {{"Status", "408"}}}};
    EXPECT_EQ(codeOf(co_await bucket.listKeys({})), ErrorCode::kUnavailable);
    // A status of which nothing is known.
    fake.answers["$JS.API.CONSUMER.MSG.NEXT."] = {{.payload = "", .headers = {{"Status", "409"}}}};
    EXPECT_EQ(codeOf(co_await bucket.listKeys({})), ErrorCode::kUnavailable);
    // What is no key, before the end.
    fake.answers["$JS.API.CONSUMER.MSG.NEXT."] = {{.payload = "", .headers = {{"Status", "100"}}},
                                                  {.payload = "", .headers = {{"Status", "404"}}}};
    const auto page = co_await bucket.listKeys({});
    EXPECT_TRUE(succeeded(page));
    if (page) EXPECT_TRUE(page->keys.empty());
  });
}

}  // namespace
}  // namespace nimbus::keyvalue
