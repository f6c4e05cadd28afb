#include "capability/keyvalue/remote_handle_bucket.h"

#include "wasi/keyvalue/atomics.h"
#include "wasi/keyvalue/batch.h"
#include "wasi/keyvalue/store.h"

namespace nimbus::keyvalue {
namespace {

namespace with_handles = contract::wasi::keyvalue;
using Handle = wrpc::Own<with_handles::store::Bucket>;

// The coroutines own what they use; a bucket may go while its calls end.
struct Where {
  std::shared_ptr<const RemoteProvider> provider;
  std::string bucket;
};

// A handle of a wire expires, so each call opens its own.
Task<Result<Handle>> open(RemoteCall& call, std::string_view bucket) {
  CO_TRY(auto client, call.connect<with_handles::store::Client>());
  co_return fromAnswer(co_await client->open(call.context(), bucket));
}

Task<Result<std::optional<Bytes>>> get(Where where, std::string key) {
  RemoteCall call(*where.provider);
  CO_TRY(const Handle handle, co_await open(call, where.bucket));
  co_return fromAnswer(co_await handle->get(call.context(), key));
}

Task<Result<void>> set(Where where, std::string key, Bytes value) {
  RemoteCall call(*where.provider);
  CO_TRY(const Handle handle, co_await open(call, where.bucket));
  co_return fromAnswer(co_await handle->set(call.context(), key, std::move(value)));
}

Task<Result<void>> remove(Where where, std::string key) {
  RemoteCall call(*where.provider);
  CO_TRY(const Handle handle, co_await open(call, where.bucket));
  co_return fromAnswer(co_await handle->delete_(call.context(), key));
}

Task<Result<bool>> exists(Where where, std::string key) {
  RemoteCall call(*where.provider);
  CO_TRY(const Handle handle, co_await open(call, where.bucket));
  co_return fromAnswer(co_await handle->exists(call.context(), key));
}

Task<Result<KeyPage>> listKeys(Where where, std::optional<std::uint64_t> cursor) {
  RemoteCall call(*where.provider);
  CO_TRY(const Handle handle, co_await open(call, where.bucket));
  CO_TRY(auto page, fromAnswer(co_await handle->listKeys(call.context(), cursor)));
  co_return KeyPage{std::move(page.keys), page.cursor};
}

Task<Result<std::uint64_t>> increment(Where where, std::string key, std::uint64_t delta) {
  RemoteCall call(*where.provider);
  CO_TRY(const Handle handle, co_await open(call, where.bucket));
  CO_TRY(auto client, call.connect<with_handles::atomics::Client>());
  co_return fromAnswer(co_await client->increment(call.context(), *handle, key, delta));
}

Task<Result<Values>> getMany(Where where, std::vector<std::string> keys) {
  RemoteCall call(*where.provider);
  CO_TRY(const Handle handle, co_await open(call, where.bucket));
  CO_TRY(auto client, call.connect<with_handles::batch::Client>());
  CO_TRY(auto pairs,
         fromAnswer(co_await client->getMany(call.context(), *handle, std::move(keys))));
  co_return valuesOf(std::move(pairs));
}

Task<Result<void>> setMany(Where where, std::vector<Entry> entries) {
  RemoteCall call(*where.provider);
  CO_TRY(const Handle handle, co_await open(call, where.bucket));
  CO_TRY(auto client, call.connect<with_handles::batch::Client>());
  co_return fromAnswer(
      co_await client->setMany(call.context(), *handle, pairsOf(std::move(entries))));
}

Task<Result<void>> removeMany(Where where, std::vector<std::string> keys) {
  RemoteCall call(*where.provider);
  CO_TRY(const Handle handle, co_await open(call, where.bucket));
  CO_TRY(auto client, call.connect<with_handles::batch::Client>());
  co_return fromAnswer(co_await client->deleteMany(call.context(), *handle, std::move(keys)));
}

class HandleBucket final : public Bucket {
 public:
  explicit HandleBucket(Where where) : where_(std::move(where)) {}

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

std::shared_ptr<Bucket> remoteHandleBucket(std::shared_ptr<const RemoteProvider> provider,
                                           std::string name) {
  return std::make_shared<HandleBucket>(Where{std::move(provider), std::move(name)});
}

Task<Result<void>> probeHandles(std::shared_ptr<const RemoteProvider> provider,
                                std::string bucket) {
  RemoteCall call(*provider);
  CO_TRY(auto client, call.connect<with_handles::store::Client>());
  CO_TRY_VOID(co_await client->open(call.context(), bucket));
  co_return Result<void>();
}

}  // namespace nimbus::keyvalue
