#include "capability/keyvalue/keyvalue.h"

#include "capability/keyvalue/conformance_cases.h"
#include "capability/keyvalue/limits.h"
#include "capability/keyvalue/memory/memory_store.h"
#include "capability/keyvalue/remote/remote_keyspace.h"
#include "capability/keyvalue/sqlite/sqlite_store.h"
#include "net/test_support.h"
#include "wasi/keyvalue/atomics.h"
#include "wasi/keyvalue/batch.h"
#include "wasi/keyvalue/store.h"

namespace nimbus::keyvalue {
namespace {

namespace with_handles = contract::wasi::keyvalue;

class KeyValueTest : public net::ShardTest {
 protected:
  [[nodiscard]] std::shared_ptr<Keyspace> memory() { return memory_.keyspace("test"); }
  [[nodiscard]] static std::shared_ptr<Keyspace> remote(std::shared_ptr<wrpc::Invoker> provider,
                                                        RemoteKeyspaceOptions options = {}) {
    return remoteKeyspace(std::move(provider), std::make_shared<const wrpc::Consumer>(),
                          std::move(options));
  }
  void conforms(Keyspace& keyspace) {
    run([&](net::Shard&) -> Task<void> {
      for (const Conformance::Case& what : Conformance::cases()) {
        SCOPED_TRACE(what.name);
        co_await Conformance::run(keyspace, what);
      }
    });
  }

  MemoryStore memory_{{}};
  TemporaryFolder folder_;
};

TEST_F(KeyValueTest, TheFlatFormConformsInMemory) {
  conforms(*remote(std::make_shared<OnlyPackage>(serveKeyValue(memory()), "wrpc:")));
}

TEST_F(KeyValueTest, TheFormWithHandlesConformsInMemory) {
  conforms(*remote(std::make_shared<OnlyPackage>(serveKeyValue(memory()), "wasi:")));
}

TEST_F(KeyValueTest, BothFormsConformOverSqlite) {
  auto store = SqliteStore::open({.path = folder_.path("kv.sqlite")});
  ASSERT_TRUE(store);
  for (const char* package : {"wrpc:", "wasi:"}) {
    const auto invoker = serveKeyValue((*store)->keyspace(package));
    conforms(*remote(std::make_shared<OnlyPackage>(invoker, package)));
  }
}

TEST_F(KeyValueTest, BothFormsSeeTheSameKeys) {
  const auto invoker = serveKeyValue(memory());
  const auto flat = remote(std::make_shared<OnlyPackage>(invoker, "wrpc:"));
  const auto handles = remote(std::make_shared<OnlyPackage>(invoker, "wasi:"));
  run([&](net::Shard&) -> Task<void> {
    auto a = co_await flat->open("b");
    auto b = co_await handles->open("b");
    EXPECT_TRUE(succeeded(co_await (*a)->set("k", asBytes("v"))));
    EXPECT_EQ(textOf(co_await (*b)->get("k")), "v");
  });
}

TEST_F(KeyValueTest, ARenewedSessionHasNoneOfTheBucketsThatWereOpen) {
  const auto invoker = serveKeyValue(memory());
  run([&](net::Shard& shard) -> Task<void> {
    const auto consumer = std::make_shared<const wrpc::Consumer>();
    const auto session = invoker->open(shard, consumer);
    const auto open = *invoker->resolve({"wasi:keyvalue/store@0.2.0-draft", "open"});
    const auto handle = [&]() -> Task<Bytes> {
      wrpc::Values name;
      name.bytes.append(asBytes("\1b"));
      const wrpc::CallContext context{.consumer = *consumer, .deadline = {}, .trace_parent = {}};
      auto results = co_await session->invoke(context, open, std::move(name));
      EXPECT_TRUE(results);
      const Bytes answer = Bytes::copyOf(results->bytes.flatten());
      EXPECT_EQ(answer.view()[0], 0) << "no error";
      co_return answer.slice(2, answer.size() - 2);
    };
    const Bytes first = co_await handle();
    EXPECT_TRUE(session->owns(first.view()));
    EXPECT_TRUE(session->renew());
    EXPECT_FALSE(session->owns(first.view()));
    EXPECT_FALSE(session->inUse());
    const Bytes second = co_await handle();
    EXPECT_TRUE(session->owns(second.view()));
    EXPECT_FALSE(session->owns(first.view())) << "another handle in the same place";
    for (int i = 0; i < 100; ++i) (void)co_await handle();
    EXPECT_FALSE(session->renew()) << "keeps too much memory";
  });
}

TEST_F(KeyValueTest, TheFormOfAProviderIsFoundOutOnce) {
  const auto only_handles = std::make_shared<OnlyPackage>(serveKeyValue(memory()), "wasi:");
  const auto keyspace = remote(only_handles);
  run([&](net::Shard&) -> Task<void> {
    EXPECT_TRUE(succeeded(co_await keyspace->open("a")));
    const int refused = only_handles->refused();
    EXPECT_GT(refused, 0);
    auto bucket = co_await keyspace->open("b");
    EXPECT_TRUE(succeeded(co_await (*bucket)->set("k", {})));
    EXPECT_EQ(only_handles->refused(), refused);
  });
}

TEST_F(KeyValueTest, AProviderOfTheOtherFormMayTakeThePlaceOfOne) {
  const auto provider = std::make_shared<OnlyPackage>(serveKeyValue(memory()), "wrpc:");
  const auto keyspace = remote(provider);
  run([&](net::Shard&) -> Task<void> {
    for (const char* package : {"wasi:", "wrpc:", "wasi:"}) {
      SCOPED_TRACE(package);
      auto before = co_await keyspace->open("b");
      EXPECT_TRUE(succeeded(co_await (*before)->set("k", asBytes("v"))));
      provider->become(package);
      EXPECT_FALSE(co_await (*before)->get("k"));
      auto after = co_await keyspace->open("b");
      EXPECT_TRUE(succeeded(after));
      EXPECT_EQ(textOf(co_await (*after)->get("k")), "v");

      // Who still holds a bucket of the other form does not make all others ask again.
      EXPECT_FALSE(co_await (*before)->get("k"));
      const int refused = provider->refused();
      EXPECT_TRUE(succeeded(co_await keyspace->open("b")));
      EXPECT_EQ(provider->refused(), refused);
    }
  });
}

TEST_F(KeyValueTest, AnErrorThatTheProviderDeclaresDoesNotMakeItsFormUnknown) {
  const auto keyspace_behind = memory();
  keyspace_behind->limit({.max_bytes = {}, .max_keys = 1});
  const auto provider = std::make_shared<OnlyPackage>(serveKeyValue(keyspace_behind), "wasi:");
  const auto keyspace = remote(provider);
  run([&](net::Shard&) -> Task<void> {
    auto bucket = co_await keyspace->open("b");
    EXPECT_TRUE(succeeded(co_await (*bucket)->set("a", {})));
    const int refused = provider->refused();
    EXPECT_FALSE(co_await (*bucket)->set("b", {}));
    EXPECT_TRUE(succeeded(co_await keyspace->open("b")));
    EXPECT_EQ(provider->refused(), refused);
  });
}

TEST_F(KeyValueTest, AProviderThatHasNeitherFormIsAnErrorAndAskedAgain) {
  const auto none = std::make_shared<OnlyPackage>(serveKeyValue(memory()), "none:");
  const auto keyspace = remote(none);
  run([&](net::Shard&) -> Task<void> {
    const auto opened = co_await keyspace->open("a");
    EXPECT_FALSE(opened);
    if (!opened) EXPECT_EQ(opened.error().code(), ErrorCode::kNotFound);
    const int refused = none->refused();
    EXPECT_FALSE(co_await keyspace->open("a"));
    EXPECT_GT(none->refused(), refused);
  });
}

TEST_F(KeyValueTest, APrefixKeepsConsumersOfOneProviderApart) {
  const auto invoker = serveKeyValue(memory());
  const auto shop = remote(invoker, {.bucket_prefix = "shop/"});
  const auto blog = remote(invoker, {.bucket_prefix = "blog/"});
  const auto plain = memory();
  run([&](net::Shard&) -> Task<void> {
    auto a = co_await shop->open("default");
    auto b = co_await blog->open("default");
    EXPECT_TRUE(succeeded(co_await (*a)->set("k", asBytes("v"))));
    EXPECT_EQ(textOf(co_await (*b)->get("k")), "nothing");
    auto direct = co_await plain->open("shop/default");
    EXPECT_EQ(textOf(co_await (*direct)->get("k")), "v");
  });
}

// What a guest calls.
class GuestCalls {
 public:
  GuestCalls(net::Shard& shard, std::shared_ptr<wrpc::Invoker> invoker)
      : invoker_(std::move(invoker)), session_(invoker_->open(shard, consumer_)) {
    auto space = std::make_shared<wrpc::ClientSpace>(*invoker_, *session_);
    store = *with_handles::store::Client::connect(space);
    atomics = *with_handles::atomics::Client::connect(space);
    batch = *with_handles::batch::Client::connect(space);
  }

 private:
  std::shared_ptr<const wrpc::Consumer> consumer_ = std::make_shared<wrpc::Consumer>();
  std::shared_ptr<wrpc::Invoker> invoker_;
  std::unique_ptr<wrpc::Session> session_;

 public:
  wrpc::CallContext context{*consumer_, {}, {}};
  std::unique_ptr<with_handles::store::Client> store;
  std::unique_ptr<with_handles::atomics::Client> atomics;
  std::unique_ptr<with_handles::batch::Client> batch;
};

std::string otherOf(const auto& answer) {
  if (!answer || *answer) return "no declared error";
  const auto* other = std::get_if<with_handles::store::Error::Other>(&answer->error().value);
  return other == nullptr ? "another error" : other->value;
}

TEST_F(KeyValueTest, AMemoryCallCompletesAtOnce) {
  run([&](net::Shard& shard) -> Task<void> {
    GuestCalls guest(shard, serveKeyValue(memory()));
    auto opening = guest.store->open(guest.context, "default");
    EXPECT_TRUE(opening.ready());
    auto bucket = opening.take();
    EXPECT_TRUE((*bucket)->get()->set(guest.context, "k", Bytes::copyOf("v")).ready());
    EXPECT_TRUE((*bucket)->get()->get(guest.context, "k").ready());
    EXPECT_TRUE(guest.atomics->increment(guest.context, ***bucket, "n", 1).ready());
    co_return;
  });
}

TEST_F(KeyValueTest, LimitsBecomeTheErrorThatTheContractDeclares) {
  run([&](net::Shard& shard) -> Task<void> {
    GuestCalls guest(shard, serveKeyValue(memory()));
    auto bucket = co_await guest.store->open(guest.context, "default");
    auto& open = ***bucket;
    const std::string long_key(kMaxKeyBytes + 1, 'k');
    EXPECT_TRUE(otherOf(co_await open.get(guest.context, long_key)).contains("at most 4096"));
    EXPECT_TRUE(otherOf(co_await open.exists(guest.context, long_key)).contains("4096"));
    EXPECT_TRUE(otherOf(co_await open.delete_(guest.context, long_key)).contains("4096"));
    EXPECT_TRUE(otherOf(co_await open.set(guest.context, long_key, {})).contains("4096"));
    const auto large = Bytes::take(std::string(kMaxValueBytes + 1, 'v'));
    EXPECT_TRUE(otherOf(co_await open.set(guest.context, "k", large)).contains("a value of"));
    EXPECT_TRUE(otherOf(co_await guest.atomics->increment(guest.context, open, long_key, 1))
                    .contains("4096"));
    EXPECT_TRUE(otherOf(co_await guest.batch->getMany(guest.context, open,
                                                      std::vector<std::string>(10'001, "k")))
                    .contains("10001 keys in one call"));
  });
}

TEST_F(KeyValueTest, ANameThatNoBucketCanHaveIsNoSuchStore) {
  run([&](net::Shard& shard) -> Task<void> {
    GuestCalls guest(shard, serveKeyValue(memory()));
    const auto opened = co_await guest.store->open(guest.context, std::string(257, 'b'));
    EXPECT_TRUE(opened && !*opened);
    if (opened && !*opened)
      EXPECT_EQ(opened->error(),
                (with_handles::store::Error{with_handles::store::Error::NoSuchStore{}}));
  });
}

TEST_F(KeyValueTest, AQuotaIsToldInWords) {
  const auto keyspace = memory();
  keyspace->limit({.max_bytes = {}, .max_keys = 1});
  run([&](net::Shard& shard) -> Task<void> {
    GuestCalls guest(shard, serveKeyValue(keyspace));
    auto bucket = co_await guest.store->open(guest.context, "default");
    EXPECT_TRUE(co_await (***bucket).set(guest.context, "a", {}));
    EXPECT_EQ(otherOf(co_await (***bucket).set(guest.context, "b", {})),
              "the quota of 1 keys is used up");
  });
}

TEST_F(KeyValueTest, GetManyNamesTheKeysItFound) {
  run([&](net::Shard& shard) -> Task<void> {
    GuestCalls guest(shard, serveKeyValue(memory()));
    auto bucket = co_await guest.store->open(guest.context, "default");
    EXPECT_TRUE(co_await (***bucket).set(guest.context, "a", Bytes::copyOf("1")));
    const auto pairs = co_await guest.batch->getMany(guest.context, ***bucket, {"none", "a"});
    EXPECT_EQ((*pairs)->size(), 2U);
    EXPECT_FALSE((**pairs)[0]);
    EXPECT_EQ(std::get<0>(*(**pairs)[1]), "a");
    EXPECT_EQ(std::get<1>(*(**pairs)[1]).text(), "1");
  });
}

}  // namespace
}  // namespace nimbus::keyvalue
