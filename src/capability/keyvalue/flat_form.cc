#include "capability/keyvalue/flat_form.h"

#include <utility>

#include "capability/keyvalue/operations.h"
#include "wrpc/keyvalue/atomics.h"
#include "wrpc/keyvalue/batch.h"
#include "wrpc/keyvalue/store.h"

namespace nimbus::keyvalue {
namespace {

namespace flat = contract::wrpc::keyvalue;
using wrpc::CallContext;
using Flat = Operations<flat::store::Error, flat::store::KeyResponse>;
using BucketPtr = std::shared_ptr<Bucket>;

class StoreHandler final : public flat::store::Handler {
 public:
  explicit StoreHandler(std::shared_ptr<Keyspace> keyspace) : keyspace_(std::move(keyspace)) {}

  Flat::Answer<std::optional<Bytes>> get(const CallContext& /*context*/, std::string_view bucket,
                                         std::string_view key) override {
    return Flat::inBucket<std::optional<Bytes>>(
        keyspace_, bucket, [key](const BucketPtr& in) { return Flat::get(in, key); });
  }
  Flat::Answer<void> set(const CallContext& /*context*/, std::string_view bucket,
                         std::string_view key, Bytes value) override {
    return Flat::inBucket<void>(
        keyspace_, bucket,
        [key, value = std::move(value)](const BucketPtr& in) { return Flat::set(in, key, value); });
  }
  Flat::Answer<void> delete_(const CallContext& /*context*/, std::string_view bucket,
                             std::string_view key) override {
    return Flat::inBucket<void>(keyspace_, bucket,
                                [key](const BucketPtr& in) { return Flat::remove(in, key); });
  }
  Flat::Answer<bool> exists(const CallContext& /*context*/, std::string_view bucket,
                            std::string_view key) override {
    return Flat::inBucket<bool>(keyspace_, bucket,
                                [key](const BucketPtr& in) { return Flat::exists(in, key); });
  }
  Flat::Answer<flat::store::KeyResponse> listKeys(const CallContext& /*context*/,
                                                  std::string_view bucket,
                                                  std::optional<std::uint64_t> cursor) override {
    return Flat::inBucket<flat::store::KeyResponse>(
        keyspace_, bucket, [cursor](const BucketPtr& in) { return Flat::listKeys(in, cursor); });
  }

 private:
  const std::shared_ptr<Keyspace> keyspace_;
};

class AtomicsHandler final : public flat::atomics::Handler {
 public:
  explicit AtomicsHandler(std::shared_ptr<Keyspace> keyspace) : keyspace_(std::move(keyspace)) {}

  Flat::Answer<std::uint64_t> increment(const CallContext& /*context*/, std::string_view bucket,
                                        std::string_view key, std::uint64_t delta) override {
    return Flat::inBucket<std::uint64_t>(keyspace_, bucket, [key, delta](const BucketPtr& in) {
      return Flat::increment(in, key, delta);
    });
  }

 private:
  const std::shared_ptr<Keyspace> keyspace_;
};

class BatchHandler final : public flat::batch::Handler {
 public:
  explicit BatchHandler(std::shared_ptr<Keyspace> keyspace) : keyspace_(std::move(keyspace)) {}

  Flat::Answer<std::vector<std::optional<Flat::Pair>>> getMany(
      const CallContext& /*context*/, std::string_view bucket,
      std::vector<std::string> keys) override {
    return Flat::inBucket<std::vector<std::optional<Flat::Pair>>>(
        keyspace_, bucket, [keys = std::move(keys)](const BucketPtr& in) mutable {
          return Flat::getMany(in, std::move(keys));
        });
  }
  Flat::Answer<void> setMany(const CallContext& /*context*/, std::string_view bucket,
                             std::vector<Flat::Pair> key_values) override {
    return Flat::inBucket<void>(keyspace_, bucket,
                                [pairs = std::move(key_values)](const BucketPtr& in) mutable {
                                  return Flat::setMany(in, std::move(pairs));
                                });
  }
  Flat::Answer<void> deleteMany(const CallContext& /*context*/, std::string_view bucket,
                                std::vector<std::string> keys) override {
    return Flat::inBucket<void>(keyspace_, bucket,
                                [keys = std::move(keys)](const BucketPtr& in) mutable {
                                  return Flat::removeMany(in, std::move(keys));
                                });
  }

 private:
  const std::shared_ptr<Keyspace> keyspace_;
};

}  // namespace

std::vector<wrpc::Interface> flatForm(std::shared_ptr<Keyspace> keyspace) {
  std::vector<wrpc::Interface> interfaces;
  interfaces.push_back(flat::store::serve(std::make_shared<StoreHandler>(keyspace)));
  interfaces.push_back(flat::atomics::serve(std::make_shared<AtomicsHandler>(keyspace)));
  interfaces.push_back(flat::batch::serve(std::make_shared<BatchHandler>(std::move(keyspace))));
  return interfaces;
}

}  // namespace nimbus::keyvalue
