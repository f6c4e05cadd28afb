#include "capability/keyvalue/remote/remote_handle_bucket.h"

#include "capability/keyvalue/remote/remote_bucket.h"
#include "wasi/keyvalue/atomics.h"
#include "wasi/keyvalue/batch.h"
#include "wasi/keyvalue/store.h"

namespace nimbus::keyvalue {
namespace {

namespace with_handles = contract::wasi::keyvalue;
using Handle = wrpc::Own<with_handles::store::Bucket>;

// A handle of a wire expires, so each call opens its own.
Task<Result<Handle>> open(RemoteCall& call, std::string_view bucket) {
  CO_TRY(auto client, call.connect<with_handles::store::Client>());
  co_return call.result(co_await client->open(call.context(), bucket));
}

struct HandleCalls {
  static Task<Result<std::optional<Bytes>>> get(RemotePlace place, std::string key) {
    RemoteCall call(*place.provider, RemoteForm::kHandles);
    CO_TRY(const Handle handle, co_await open(call, place.bucket));
    co_return call.result(co_await handle->get(call.context(), key));
  }

  static Task<Result<void>> set(RemotePlace place, std::string key, Bytes value) {
    RemoteCall call(*place.provider, RemoteForm::kHandles);
    CO_TRY(const Handle handle, co_await open(call, place.bucket));
    co_return call.result(co_await handle->set(call.context(), key, std::move(value)));
  }

  static Task<Result<void>> remove(RemotePlace place, std::string key) {
    RemoteCall call(*place.provider, RemoteForm::kHandles);
    CO_TRY(const Handle handle, co_await open(call, place.bucket));
    co_return call.result(co_await handle->delete_(call.context(), key));
  }

  static Task<Result<bool>> exists(RemotePlace place, std::string key) {
    RemoteCall call(*place.provider, RemoteForm::kHandles);
    CO_TRY(const Handle handle, co_await open(call, place.bucket));
    co_return call.result(co_await handle->exists(call.context(), key));
  }

  static Task<Result<KeyPage>> listKeys(RemotePlace place, std::optional<std::uint64_t> cursor) {
    RemoteCall call(*place.provider, RemoteForm::kHandles);
    CO_TRY(const Handle handle, co_await open(call, place.bucket));
    CO_TRY(auto page, call.result(co_await handle->listKeys(call.context(), cursor)));
    co_return KeyPage{std::move(page.keys), page.cursor};
  }

  static Task<Result<std::uint64_t>> increment(RemotePlace place, std::string key,
                                               std::uint64_t delta) {
    RemoteCall call(*place.provider, RemoteForm::kHandles);
    CO_TRY(const Handle handle, co_await open(call, place.bucket));
    CO_TRY(auto client, call.connect<with_handles::atomics::Client>());
    co_return call.result(co_await client->increment(call.context(), *handle, key, delta));
  }

  static Task<Result<Values>> getMany(RemotePlace place, std::vector<std::string> keys) {
    RemoteCall call(*place.provider, RemoteForm::kHandles);
    CO_TRY(const Handle handle, co_await open(call, place.bucket));
    CO_TRY(auto client, call.connect<with_handles::batch::Client>());
    CO_TRY(auto pairs,
           call.result(co_await client->getMany(call.context(), *handle, std::move(keys))));
    co_return valuesOf(std::move(pairs));
  }

  static Task<Result<void>> setMany(RemotePlace place, std::vector<Entry> entries) {
    RemoteCall call(*place.provider, RemoteForm::kHandles);
    CO_TRY(const Handle handle, co_await open(call, place.bucket));
    CO_TRY(auto client, call.connect<with_handles::batch::Client>());
    co_return call.result(
        co_await client->setMany(call.context(), *handle, pairsOf(std::move(entries))));
  }

  static Task<Result<void>> removeMany(RemotePlace place, std::vector<std::string> keys) {
    RemoteCall call(*place.provider, RemoteForm::kHandles);
    CO_TRY(const Handle handle, co_await open(call, place.bucket));
    CO_TRY(auto client, call.connect<with_handles::batch::Client>());
    co_return call.result(co_await client->deleteMany(call.context(), *handle, std::move(keys)));
  }
};

}  // namespace

std::shared_ptr<Bucket> remoteHandleBucket(std::shared_ptr<const RemoteProvider> provider,
                                           std::string name) {
  return std::make_shared<RemoteBucket<HandleCalls>>(
      RemotePlace{std::move(provider), std::move(name)});
}

Task<Result<void>> probeHandles(std::shared_ptr<const RemoteProvider> provider,
                                std::string bucket) {
  RemoteCall call(*provider, RemoteForm::kUnknown);
  CO_TRY(auto client, call.connect<with_handles::store::Client>());
  CO_TRY_VOID(co_await client->open(call.context(), bucket));
  co_return Result<void>();
}

}  // namespace nimbus::keyvalue
