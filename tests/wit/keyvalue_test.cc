// wasi:keyvalue in generated form: records, variants, resources that three interfaces share.

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "base/log.h"
#include "base/sync.h"
#include "bindings_fixture.h"
#include "net/socket.h"
#include "wasi/keyvalue/atomics.h"
#include "wasi/keyvalue/batch.h"
#include "wasi/keyvalue/store.h"
#include "wrpc/address.h"
#include "wrpc/framed_client.h"
#include "wrpc/framed_server.h"

namespace nimbus {
namespace {

namespace store = ::bindings::wasi::keyvalue::store;
namespace atomics = ::bindings::wasi::keyvalue::atomics;
namespace batch = ::bindings::wasi::keyvalue::batch;

template <typename T>
using Answer = wrpc::Answer<std::expected<T, store::Error>>;

struct Data {
  std::map<std::string, Bytes, std::less<>> values;
  int open_buckets = 0;
  Event gate;  // what `exists` waits for
};

class MapBucket final : public store::Bucket {
 public:
  explicit MapBucket(std::shared_ptr<Data> data) : data_(std::move(data)) { ++data_->open_buckets; }
  ~MapBucket() override { --data_->open_buckets; }

  Answer<std::optional<Bytes>> get(const wrpc::CallContext&, std::string_view key) override {
    if (key == "later") return later(data_->values["later"]);
    const auto found = data_->values.find(key);
    if (found == data_->values.end()) return std::optional<Bytes>();
    return found->second;
  }
  static Answer<std::optional<Bytes>> later(Bytes value) {
    co_await net::Shard::current()->sleepFor(std::chrono::milliseconds(1));
    co_return std::optional<Bytes>(value);
  }
  Answer<void> set(const wrpc::CallContext&, std::string_view key, Bytes value) override {
    if (key == "forbidden") return wrpc::err(store::Error{store::Error::AccessDenied{}});
    if (key == "odd") return wrpc::err(store::Error{store::Error::Other{"odd key"}});
    if (key == "broken") return fail(ErrorCode::kUnavailable, "the disk is gone");
    data_->values.insert_or_assign(std::string(key), std::move(value));
    return std::expected<void, store::Error>();
  }
  Answer<void> delete_(const wrpc::CallContext&, std::string_view key) override {
    data_->values.erase(std::string(key));
    return std::expected<void, store::Error>();
  }
  Answer<bool> exists(const wrpc::CallContext&, std::string_view key) override {
    co_await data_->gate.wait();
    co_return data_->values.contains(key);
  }
  Answer<store::KeyResponse> listKeys(const wrpc::CallContext&,
                                      std::optional<std::uint64_t> cursor) override {
    store::KeyResponse page;
    std::uint64_t position = 0;
    for (const auto& [key, value] : data_->values) {
      if (position++ < cursor.value_or(0)) continue;
      if (page.keys.size() == 2) {
        page.cursor = position - 1;
        break;
      }
      page.keys.push_back(key);
    }
    return page;
  }

  Data& data() { return *data_; }

 private:
  std::shared_ptr<Data> data_;
};

class MapStore final : public store::Handler {
 public:
  explicit MapStore(std::shared_ptr<Data> data) : data_(std::move(data)) {}
  Answer<wrpc::Own<store::Bucket>> open(const wrpc::CallContext&,
                                        std::string_view identifier) override {
    if (identifier != "default") return wrpc::err(store::Error{store::Error::NoSuchStore{}});
    return std::make_unique<MapBucket>(data_);
  }

 private:
  std::shared_ptr<Data> data_;
};

class MapAtomics final : public atomics::Handler {
 public:
  Answer<std::uint64_t> increment(const wrpc::CallContext&, store::Bucket& bucket,
                                  std::string_view key, std::uint64_t delta) override {
    Bytes& value = static_cast<MapBucket&>(bucket).data().values[std::string(key)];
    const std::uint64_t sum = (value.empty() ? 0 : std::stoull(std::string(value.text()))) + delta;
    value = Bytes::take(std::to_string(sum));
    return sum;
  }
};

class MapBatch final : public batch::Handler {
 public:
  using Found = std::optional<std::tuple<std::string, Bytes>>;
  Answer<std::vector<Found>> getMany(const wrpc::CallContext&, store::Bucket& bucket,
                                     std::vector<std::string> keys) override {
    const Data& data = static_cast<MapBucket&>(bucket).data();
    std::vector<Found> found;
    for (std::string& key : keys) {
      const auto at = data.values.find(key);
      found.push_back(at == data.values.end() ? Found()
                                              : Found(std::in_place, std::move(key), at->second));
    }
    return found;
  }
  Answer<void> setMany(const wrpc::CallContext&, store::Bucket& bucket,
                       std::vector<std::tuple<std::string, Bytes>> key_values) override {
    for (auto& [key, value] : key_values)
      static_cast<MapBucket&>(bucket).data().values[std::move(key)] = std::move(value);
    return std::expected<void, store::Error>();
  }
  Answer<void> deleteMany(const wrpc::CallContext&, store::Bucket& bucket,
                          std::vector<std::string> keys) override {
    for (const std::string& key : keys) static_cast<MapBucket&>(bucket).data().values.erase(key);
    return std::expected<void, store::Error>();
  }
};

struct Service {
  explicit Service(net::Shard& shard, wrpc::ServiceOptions options = {},
                   std::optional<Duration> lease = {})
      : local(shard,
              {store::serve(std::make_shared<MapStore>(data)),
               atomics::serve(std::make_shared<MapAtomics>()),
               batch::serve(std::make_shared<MapBatch>())},
              options, lease) {}

  Task<wrpc::Own<store::Bucket>> open() {
    auto opened = co_await stores->open(local.context(), "default");
    co_return std::move(opened->value());
  }

  std::shared_ptr<Data> data = std::make_shared<Data>();
  wrpc::Local local;
  std::unique_ptr<store::Client> stores = local.connect<store::Client>();
};

class KeyvalueBindings : public net::ShardTest {};

TEST_F(KeyvalueBindings, CarryValuesBothWays) {
  run([](net::Shard& shard) -> Task<void> {
    Service service(shard);
    const wrpc::CallContext& context = service.local.context();
    const auto bucket = co_await service.open();
    EXPECT_EQ((co_await bucket->get(context, "a")).value().value(), std::nullopt);
    EXPECT_TRUE((co_await bucket->set(context, "a", Bytes::copyOf("1"))).value());
    EXPECT_EQ((co_await bucket->get(context, "a")).value().value()->text(), "1");
    const Bytes large = Bytes::take(std::string(100000, 'x'));
    EXPECT_TRUE((co_await bucket->set(context, "b", large)).value());
    // Shared all the way in, and all the way back.
    EXPECT_EQ(service.data->values["b"].view().data(), large.view().data());
    EXPECT_EQ((co_await bucket->get(context, "b")).value().value()->view().data(),
              large.view().data());
    EXPECT_TRUE((co_await bucket->delete_(context, "b")).value());
    EXPECT_EQ((co_await bucket->get(context, "b")).value().value(), std::nullopt);
  });
}

TEST_F(KeyvalueBindings, TellErrorsOfTheInterfaceFromFailures) {
  run([](net::Shard& shard) -> Task<void> {
    Service service(shard);
    const wrpc::CallContext& context = service.local.context();
    const auto none = co_await service.stores->open(context, "other");
    EXPECT_EQ(none.value().error(), store::Error{store::Error::NoSuchStore{}});
    const auto bucket = co_await service.open();
    const auto denied = co_await bucket->set(context, "forbidden", Bytes());
    EXPECT_EQ(denied.value().error(), store::Error{store::Error::AccessDenied{}});
    const auto odd = co_await bucket->set(context, "odd", Bytes());
    EXPECT_EQ(odd.value().error(), store::Error{store::Error::Other{"odd key"}});
    const auto broken = co_await bucket->set(context, "broken", Bytes());
    EXPECT_EQ(broken.error().code(), ErrorCode::kUnavailable);
  });
}

TEST_F(KeyvalueBindings, LendTheBucketToTheOtherInterfaces) {
  run([](net::Shard& shard) -> Task<void> {
    Service service(shard);
    const wrpc::CallContext& context = service.local.context();
    const auto bucket = co_await service.open();
    const auto counters = service.local.connect<atomics::Client>();
    EXPECT_EQ((co_await counters->increment(context, *bucket, "n", 5)).value().value(), 5U);
    EXPECT_EQ((co_await counters->increment(context, *bucket, "n", 7)).value().value(), 12U);

    const auto many = service.local.connect<batch::Client>();
    std::vector<std::tuple<std::string, Bytes>> values;
    values.emplace_back("x", Bytes::copyOf("1"));
    values.emplace_back("y", Bytes::copyOf("2"));
    EXPECT_TRUE((co_await many->setMany(context, *bucket, std::move(values))).value());
    const auto found =
        co_await many->getMany(context, *bucket, std::vector<std::string>{"y", "none", "n"});
    EXPECT_EQ(found.value().value().size(), 3U);
    EXPECT_EQ(std::get<1>(*found.value().value()[0]).text(), "2");
    EXPECT_EQ(found.value().value()[1], std::nullopt);
    EXPECT_EQ(std::get<0>(*found.value().value()[2]), "n");

    const auto page = co_await bucket->listKeys(context, std::nullopt);
    EXPECT_EQ(page.value().value().keys, (std::vector<std::string>{"n", "x"}));
    const auto rest = co_await bucket->listKeys(context, page.value().value().cursor);
    EXPECT_EQ(rest.value().value(), (store::KeyResponse{{"y"}, std::nullopt}));
  });
}

TEST_F(KeyvalueBindings, DropABucketWithItsProxyAndWithTheSession) {
  run([](net::Shard& shard) -> Task<void> {
    Service service(shard);
    auto first = co_await service.open();
    auto second = co_await service.open();
    EXPECT_EQ(service.data->open_buckets, 2);
    first.reset();
    EXPECT_EQ(service.data->open_buckets, 1);
    co_return;
  });
}

TEST_F(KeyvalueBindings, KeepABucketThatACallHasBorrowed) {
  run([](net::Shard& shard) -> Task<void> {
    Service service(shard);
    auto bucket = co_await service.open();
    auto asking = bucket->exists(service.local.context(), "a").intoTask();
    EXPECT_FALSE(asking.start());
    bucket.reset();
    EXPECT_EQ(service.data->open_buckets, 1);
    service.data->gate.set();
    EXPECT_FALSE(asking.take().value().value());
    EXPECT_EQ(service.data->open_buckets, 0);
  });
}

TEST_F(KeyvalueBindings, EndACallThatNobodyWaitsForAnyMore) {
  run([](net::Shard& shard) -> Task<void> {
    Service service(shard);
    auto bucket = co_await service.open();
    {
      auto asking = bucket->exists(service.local.context(), "a").intoTask();
      EXPECT_FALSE(asking.start());
      bucket.reset();
      EXPECT_EQ(service.data->open_buckets, 1);
    }
    EXPECT_EQ(service.data->open_buckets, 0);
  });
}

TEST_F(KeyvalueBindings, RefuseForgedAndDroppedHandles) {
  run([](net::Shard& shard) -> Task<void> {
    Service service(shard, {.max_resources = 1, .max_wire_resources = 2, .decode = {}},
                    std::chrono::hours(1));
    const wrpc::CallContext& context = service.local.context();
    auto bucket = co_await service.open();
    const auto get =
        service.local.invoker().resolve({"wasi:keyvalue/store@0.2.0-draft", "bucket.get"});
    const std::string handle = bucket->remoteHandle()->bytes;
    EXPECT_EQ(handle.size(), 16U);
    const auto call = [&](std::string_view with) {
      wrpc::Encoder out;
      out.handle(asBytes(with));
      out.text("key");
      return service.local.session()
          .invoke(context, get.value(), std::move(out).finish().value())
          .intoTask();
    };
    EXPECT_TRUE((co_await call(handle)).has_value());
    for (std::size_t i = 0; i < handle.size(); ++i) {
      std::string forged = handle;
      forged[i] = static_cast<char>(forged[i] ^ 1);
      EXPECT_EQ((co_await call(forged)).error().code(), ErrorCode::kInvalidArgument);
    }
    EXPECT_FALSE((co_await call(handle.substr(0, 4))).has_value());
    EXPECT_FALSE((co_await call("")).has_value());
    bucket.reset();
    EXPECT_FALSE((co_await call(handle)).has_value());

    auto second = co_await service.open();  // in the same slot
    EXPECT_NE(second->remoteHandle()->bytes, handle);
    EXPECT_FALSE((co_await call(handle)).has_value());
    auto third = co_await service.open();
    const auto fourth = co_await service.stores->open(context, "default");
    EXPECT_EQ(fourth.error().code(), ErrorCode::kResourceExhausted);
  });
}

TEST_F(KeyvalueBindings, LetHandlesOfAWireExpire) {
  run([](net::Shard& shard) -> Task<void> {
    Service service(shard, {}, std::chrono::milliseconds(2));
    auto bucket = co_await service.open();
    const std::string handle = bucket->remoteHandle()->bytes;
    EXPECT_TRUE(service.local.session().inUse());
    // A borrowed one stays, however long the call takes.
    auto asking = bucket->exists(service.local.context(), "a").intoTask();
    EXPECT_FALSE(asking.start());
    co_await shard.sleepFor(std::chrono::milliseconds(20));
    EXPECT_EQ(service.data->open_buckets, 1);
    service.data->gate.set();
    EXPECT_TRUE(service.local.session().owns(asBytes(handle)));
    while (service.data->open_buckets > 0) co_await shard.sleepFor(std::chrono::milliseconds(1));
    EXPECT_FALSE(service.local.session().owns(asBytes(handle)));
    EXPECT_FALSE(service.local.session().inUse());
  });
}

TEST_F(KeyvalueBindings, KnowWhereTheirParametersEnd) {
  run([](net::Shard& shard) -> Task<void> {
    Service service(shard);
    wrpc::Invoker& invoker = service.local.invoker();
    const auto set = invoker.resolve({"wasi:keyvalue/store@0.2.0-draft", "bucket.set"}).value();
    const auto shape = invoker.parameters(set);
    EXPECT_FALSE(shape->mayHaveChannels());
    wrpc::Encoder out;
    out.handle(asBytes("hand"));
    out.text("key");
    out.bytes(Bytes::take(std::string(3000, 'v')));
    const ByteChain whole = std::move(out).finishBytes().value();
    EXPECT_EQ(shape->measure(whole).value(), whole.size());
    const Bytes flat = whole.toBytes();
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{4}, std::size_t{8}, std::size_t{9}, flat.size() - 1}) {
      ByteChain part;
      part.append(flat.slice(0, size));
      EXPECT_EQ(shape->measure(part).value(), std::nullopt);
    }
    ByteChain longer = whole.share();
    longer.append(std::uint8_t{1});
    EXPECT_EQ(shape->measure(longer).value(), whole.size());
    co_return;
  });
}

// The server has long sent all of it when the client still reads.
TEST_F(KeyvalueBindings, ArriveWholeOverTcpHoweverLarge) {
  const auto log = makeStderrLogger(LogLevel::kWarn, LogFormat::kText);
  run([&](net::Shard& shard) -> Task<void> {
    auto data = std::make_shared<Data>();
    const Bytes large = Bytes::take(std::string(std::size_t{4} << 20, 'x'));
    data->values["later"] = large;
    auto sockets = net::listenOn(net::Endpoint::parse("127.0.0.1:0").value(), 1).value();
    const auto where = wrpc::ProviderAddress::parse("tcp:" + sockets[0]->boundTo().toString());
    const auto server = wrpc::makeFramedServer(shard, std::move(sockets[0]),
                                               std::make_shared<wrpc::ServiceInvoker>(std::vector{
                                                   store::serve(std::make_shared<MapStore>(data))}),
                                               {}, *log);
    const auto invoker = wrpc::makeFramedInvoker(*where).value();
    const auto consumer = std::make_shared<const wrpc::Consumer>();
    const auto session = invoker->open(shard, consumer);
    const wrpc::CallContext context{
        .consumer = *consumer, .deadline = {}, .trace_parent = {}, .results = nullptr};
    const auto client = store::Client::connect(*invoker, *session).value();
    const auto bucket = (co_await client->open(context, "default")).value().value();
    for (int i = 0; i < 20; ++i) {
      const auto got = co_await bucket->get(context, "later");
      EXPECT_TRUE(got.has_value()) << got.error().describe();
      if (got) EXPECT_EQ(got->value()->size(), large.size());
    }
  });
}

TEST_F(KeyvalueBindings, RefuseParametersThatDoNotDecode) {
  run([](net::Shard& shard) -> Task<void> {
    Service service(shard);
    const auto open =
        service.local.invoker().resolve({"wasi:keyvalue/store@0.2.0-draft", "open"}).value();
    for (const std::string_view wrong : {"",
                                         "\x05"
                                         "ab",
                                         "\x02"
                                         "a\xff",
                                         "\x01"
                                         "ab"}) {
      wrpc::Values params;
      params.bytes.append(asBytes(wrong));
      const auto results =
          co_await service.local.session().invoke(service.local.context(), open, std::move(params));
      EXPECT_EQ(results.error().code(), ErrorCode::kProtocol);
    }
    EXPECT_EQ(
        service.local.invoker().resolve({"wasi:keyvalue/store@0.2.0-draft", "shut"}).error().code(),
        ErrorCode::kNotFound);
    EXPECT_EQ(service.local.invoker().resolve({"wasi:keyvalue/store", "open"}).error().code(),
              ErrorCode::kNotFound);
  });
}

}  // namespace
}  // namespace nimbus
