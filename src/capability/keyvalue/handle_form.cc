#include "capability/keyvalue/handle_form.h"

#include <utility>

#include "capability/keyvalue/operations.h"
#include "wasi/keyvalue/atomics.h"
#include "wasi/keyvalue/batch.h"
#include "wasi/keyvalue/store.h"

namespace nimbus::keyvalue {
namespace {

namespace with_handles = contract::wasi::keyvalue;
using wrpc::CallContext;

using BucketPtr = std::shared_ptr<Bucket>;
using Handles = Operations<with_handles::store::Error, with_handles::store::KeyResponse>;

class BucketResource final : public with_handles::store::Bucket {
 public:
  explicit BucketResource(BucketPtr bucket) : bucket_(std::move(bucket)) {}

  [[nodiscard]] const BucketPtr& bucket() const { return bucket_; }

  Handles::Answer<std::optional<Bytes>> get(const CallContext& /*context*/,
                                            std::string_view key) override {
    return Handles::get(bucket_, key);
  }
  Handles::Answer<void> set(const CallContext& /*context*/, std::string_view key,
                            Bytes value) override {
    return Handles::set(bucket_, key, value);
  }
  Handles::Answer<void> delete_(const CallContext& /*context*/, std::string_view key) override {
    return Handles::remove(bucket_, key);
  }
  Handles::Answer<bool> exists(const CallContext& /*context*/, std::string_view key) override {
    return Handles::exists(bucket_, key);
  }
  Handles::Answer<with_handles::store::KeyResponse> listKeys(
      const CallContext& /*context*/, std::optional<std::uint64_t> cursor) override {
    return Handles::listKeys(bucket_, cursor);
  }

 private:
  const BucketPtr bucket_;
};

// A bucket that one of these interfaces gets is one that their own open() returned.
const BucketPtr& bucketOf(with_handles::store::Bucket& resource) {
  return static_cast<BucketResource&>(resource).bucket();
}

class StoreHandler final : public with_handles::store::Handler {
 public:
  explicit StoreHandler(std::shared_ptr<Keyspace> keyspace) : keyspace_(std::move(keyspace)) {}

  Handles::Answer<wrpc::Own<with_handles::store::Bucket>> open(const CallContext& /*context*/,
                                                               std::string_view name) override {
    using Own = wrpc::Own<with_handles::store::Bucket>;
    return Handles::inBucket<Own>(keyspace_, name,
                                  [](const BucketPtr& bucket) -> Handles::Answer<Own> {
                                    return Result<std::expected<Own, with_handles::store::Error>>(
                                        std::make_unique<BucketResource>(bucket));
                                  });
  }

 private:
  const std::shared_ptr<Keyspace> keyspace_;
};

class AtomicsHandler final : public with_handles::atomics::Handler {
 public:
  Handles::Answer<std::uint64_t> increment(const CallContext& /*context*/,
                                           with_handles::store::Bucket& bucket,
                                           std::string_view key, std::uint64_t delta) override {
    return Handles::increment(bucketOf(bucket), key, delta);
  }
};

class BatchHandler final : public with_handles::batch::Handler {
 public:
  Handles::Answer<std::vector<std::optional<Handles::Pair>>> getMany(
      const CallContext& /*context*/, with_handles::store::Bucket& bucket,
      std::vector<std::string> keys) override {
    return Handles::getMany(bucketOf(bucket), std::move(keys));
  }
  Handles::Answer<void> setMany(const CallContext& /*context*/, with_handles::store::Bucket& bucket,
                                std::vector<Handles::Pair> key_values) override {
    return Handles::setMany(bucketOf(bucket), std::move(key_values));
  }
  Handles::Answer<void> deleteMany(const CallContext& /*context*/,
                                   with_handles::store::Bucket& bucket,
                                   std::vector<std::string> keys) override {
    return Handles::removeMany(bucketOf(bucket), std::move(keys));
  }
};

}  // namespace

std::vector<wrpc::Interface> handleForm(std::shared_ptr<Keyspace> keyspace) {
  std::vector<wrpc::Interface> interfaces;
  interfaces.push_back(
      with_handles::store::serve(std::make_shared<StoreHandler>(std::move(keyspace))));
  interfaces.push_back(with_handles::atomics::serve(std::make_shared<AtomicsHandler>()));
  interfaces.push_back(with_handles::batch::serve(std::make_shared<BatchHandler>()));
  return interfaces;
}

}  // namespace nimbus::keyvalue
