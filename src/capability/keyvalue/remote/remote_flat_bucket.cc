#include "capability/keyvalue/remote/remote_flat_bucket.h"

#include "capability/keyvalue/remote/remote_bucket.h"
#include "wrpc/keyvalue/atomics.h"
#include "wrpc/keyvalue/batch.h"
#include "wrpc/keyvalue/store.h"

namespace nimbus::keyvalue {
namespace {

namespace flat = contract::wrpc::keyvalue;

struct FlatCalls {
  static Task<Result<std::optional<Bytes>>> get(RemotePlace place, std::string key) {
    RemoteCall call(*place.provider, RemoteForm::kFlat);
    CO_TRY(auto client, call.connect<flat::store::Client>());
    co_return call.result(co_await client->get(call.context(), place.bucket, key));
  }

  static Task<Result<void>> set(RemotePlace place, std::string key, Bytes value) {
    RemoteCall call(*place.provider, RemoteForm::kFlat);
    CO_TRY(auto client, call.connect<flat::store::Client>());
    co_return call.result(
        co_await client->set(call.context(), place.bucket, key, std::move(value)));
  }

  static Task<Result<void>> remove(RemotePlace place, std::string key) {
    RemoteCall call(*place.provider, RemoteForm::kFlat);
    CO_TRY(auto client, call.connect<flat::store::Client>());
    co_return call.result(co_await client->delete_(call.context(), place.bucket, key));
  }

  static Task<Result<bool>> exists(RemotePlace place, std::string key) {
    RemoteCall call(*place.provider, RemoteForm::kFlat);
    CO_TRY(auto client, call.connect<flat::store::Client>());
    co_return call.result(co_await client->exists(call.context(), place.bucket, key));
  }

  static Task<Result<KeyPage>> listKeys(RemotePlace place, std::optional<std::uint64_t> cursor) {
    RemoteCall call(*place.provider, RemoteForm::kFlat);
    CO_TRY(auto client, call.connect<flat::store::Client>());
    CO_TRY(auto page, call.result(co_await client->listKeys(call.context(), place.bucket, cursor)));
    co_return KeyPage{std::move(page.keys), page.cursor};
  }

  static Task<Result<std::uint64_t>> increment(RemotePlace place, std::string key,
                                               std::uint64_t delta) {
    RemoteCall call(*place.provider, RemoteForm::kFlat);
    CO_TRY(auto client, call.connect<flat::atomics::Client>());
    co_return call.result(co_await client->increment(call.context(), place.bucket, key, delta));
  }

  static Task<Result<Values>> getMany(RemotePlace place, std::vector<std::string> keys) {
    RemoteCall call(*place.provider, RemoteForm::kFlat);
    CO_TRY(auto client, call.connect<flat::batch::Client>());
    CO_TRY(auto pairs,
           call.result(co_await client->getMany(call.context(), place.bucket, std::move(keys))));
    co_return valuesOf(std::move(pairs));
  }

  static Task<Result<void>> setMany(RemotePlace place, std::vector<Entry> entries) {
    RemoteCall call(*place.provider, RemoteForm::kFlat);
    CO_TRY(auto client, call.connect<flat::batch::Client>());
    co_return call.result(
        co_await client->setMany(call.context(), place.bucket, pairsOf(std::move(entries))));
  }

  static Task<Result<void>> removeMany(RemotePlace place, std::vector<std::string> keys) {
    RemoteCall call(*place.provider, RemoteForm::kFlat);
    CO_TRY(auto client, call.connect<flat::batch::Client>());
    co_return call.result(
        co_await client->deleteMany(call.context(), place.bucket, std::move(keys)));
  }
};

}  // namespace

std::shared_ptr<Bucket> remoteFlatBucket(std::shared_ptr<const RemoteProvider> provider,
                                         std::string name) {
  return std::make_shared<RemoteBucket<FlatCalls>>(
      RemotePlace{std::move(provider), std::move(name)});
}

Task<Result<void>> probeFlat(std::shared_ptr<const RemoteProvider> provider, std::string bucket) {
  RemoteCall call(*provider, RemoteForm::kUnknown);
  CO_TRY(auto client, call.connect<flat::store::Client>());
  auto answer = co_await client->exists(call.context(), bucket, "probe");
  if (!answer) co_return std::unexpected(ofCall(std::move(answer).error()));
  co_return Result<void>();
}

}  // namespace nimbus::keyvalue
