#include "capability/keyvalue/remote_flat_bucket.h"

#include "wrpc/keyvalue/atomics.h"
#include "wrpc/keyvalue/batch.h"
#include "wrpc/keyvalue/store.h"

namespace nimbus::keyvalue {
namespace {

namespace flat = contract::wrpc::keyvalue;

// The coroutines own what they use; a bucket may go while its calls end.
struct Where {
  std::shared_ptr<const RemoteProvider> provider;
  std::string bucket;
};

Task<Result<std::optional<Bytes>>> get(Where where, std::string key) {
  RemoteCall call(*where.provider);
  CO_TRY(auto client, call.connect<flat::store::Client>());
  co_return fromAnswer(co_await client->get(call.context(), where.bucket, key));
}

Task<Result<void>> set(Where where, std::string key, Bytes value) {
  RemoteCall call(*where.provider);
  CO_TRY(auto client, call.connect<flat::store::Client>());
  co_return fromAnswer(co_await client->set(call.context(), where.bucket, key, std::move(value)));
}

Task<Result<void>> remove(Where where, std::string key) {
  RemoteCall call(*where.provider);
  CO_TRY(auto client, call.connect<flat::store::Client>());
  co_return fromAnswer(co_await client->delete_(call.context(), where.bucket, key));
}

Task<Result<bool>> exists(Where where, std::string key) {
  RemoteCall call(*where.provider);
  CO_TRY(auto client, call.connect<flat::store::Client>());
  co_return fromAnswer(co_await client->exists(call.context(), where.bucket, key));
}

Task<Result<KeyPage>> listKeys(Where where, std::optional<std::uint64_t> cursor) {
  RemoteCall call(*where.provider);
  CO_TRY(auto client, call.connect<flat::store::Client>());
  CO_TRY(auto page, fromAnswer(co_await client->listKeys(call.context(), where.bucket, cursor)));
  co_return KeyPage{std::move(page.keys), page.cursor};
}

Task<Result<std::uint64_t>> increment(Where where, std::string key, std::uint64_t delta) {
  RemoteCall call(*where.provider);
  CO_TRY(auto client, call.connect<flat::atomics::Client>());
  co_return fromAnswer(co_await client->increment(call.context(), where.bucket, key, delta));
}

Task<Result<Values>> getMany(Where where, std::vector<std::string> keys) {
  RemoteCall call(*where.provider);
  CO_TRY(auto client, call.connect<flat::batch::Client>());
  CO_TRY(auto pairs,
         fromAnswer(co_await client->getMany(call.context(), where.bucket, std::move(keys))));
  co_return valuesOf(std::move(pairs));
}

Task<Result<void>> setMany(Where where, std::vector<Entry> entries) {
  RemoteCall call(*where.provider);
  CO_TRY(auto client, call.connect<flat::batch::Client>());
  co_return fromAnswer(
      co_await client->setMany(call.context(), where.bucket, pairsOf(std::move(entries))));
}

Task<Result<void>> removeMany(Where where, std::vector<std::string> keys) {
  RemoteCall call(*where.provider);
  CO_TRY(auto client, call.connect<flat::batch::Client>());
  co_return fromAnswer(co_await client->deleteMany(call.context(), where.bucket, std::move(keys)));
}

class FlatBucket final : public Bucket {
 public:
  explicit FlatBucket(Where where) : where_(std::move(where)) {}

  Eventual<Result<std::optional<Bytes>>> get(std::string_view key) override {
    return keyvalue::get(where_, std::string(key));
  }
  Eventual<Result<void>> set(std::string_view key, ByteView value) override {
    return keyvalue::set(where_, std::string(key), Bytes::copyOf(value));
  }
  Eventual<Result<void>> remove(std::string_view key) override {
    return keyvalue::remove(where_, std::string(key));
  }
  Eventual<Result<bool>> exists(std::string_view key) override {
    return keyvalue::exists(where_, std::string(key));
  }
  Eventual<Result<KeyPage>> listKeys(std::optional<std::uint64_t> cursor) override {
    return keyvalue::listKeys(where_, cursor);
  }
  Eventual<Result<std::uint64_t>> increment(std::string_view key, std::uint64_t delta) override {
    return keyvalue::increment(where_, std::string(key), delta);
  }
  Eventual<Result<Values>> getMany(std::vector<std::string> keys) override {
    return keyvalue::getMany(where_, std::move(keys));
  }
  Eventual<Result<void>> setMany(std::vector<Entry> entries) override {
    return keyvalue::setMany(where_, std::move(entries));
  }
  Eventual<Result<void>> removeMany(std::vector<std::string> keys) override {
    return keyvalue::removeMany(where_, std::move(keys));
  }

 private:
  const Where where_;
};

}  // namespace

std::shared_ptr<Bucket> remoteFlatBucket(std::shared_ptr<const RemoteProvider> provider,
                                         std::string name) {
  return std::make_shared<FlatBucket>(Where{std::move(provider), std::move(name)});
}

Task<Result<void>> probeFlat(std::shared_ptr<const RemoteProvider> provider, std::string bucket) {
  RemoteCall call(*provider);
  CO_TRY(auto client, call.connect<flat::store::Client>());
  CO_TRY_VOID(co_await client->exists(call.context(), bucket, "probe"));
  co_return Result<void>();
}

}  // namespace nimbus::keyvalue
