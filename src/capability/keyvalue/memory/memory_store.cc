#include "capability/keyvalue/memory/memory_store.h"

#include <shared_mutex>

#include "capability/keyvalue/limits.h"
#include "capability/keyvalue/memory/memory_bucket.h"

namespace nimbus::keyvalue {
namespace {

class MemoryKeyspace final : public Keyspace, public std::enable_shared_from_this<MemoryKeyspace> {
 public:
  explicit MemoryKeyspace(std::shared_ptr<Allowance> store_bytes)
      : store_bytes_(std::move(store_bytes)) {
    usage_.store_bytes = store_bytes_.get();
  }

  Eventual<Result<std::shared_ptr<Bucket>>> open(std::string_view name) override {
    return openNow(name);
  }

  void limit(const Quota& quota) override {
    usage_.bytes.setLimit(quota.max_bytes.value_or(Allowance::kUnlimited));
    usage_.keys.setLimit(quota.max_keys.value_or(Allowance::kUnlimited));
  }

 private:
  Result<std::shared_ptr<Bucket>> openNow(std::string_view name) {
    {
      const std::shared_lock lock(mutex_);
      if (const auto found = buckets_.find(name); found != buckets_.end()) {
        return handleOn(*found->second);
      }
    }
    const std::lock_guard lock(mutex_);
    auto found = buckets_.find(name);
    if (found == buckets_.end()) {
      if (buckets_.size() == kMaxMemoryBuckets) return failQuota("buckets", kMaxMemoryBuckets);
      TRY_VOID(usage_.takeOfStore(kMemoryBucketBytes));
      found = buckets_.emplace(name, std::make_unique<MemoryBucket>(usage_)).first;
    }
    return handleOn(*found->second);
  }
  std::shared_ptr<Bucket> handleOn(MemoryBucket& bucket) { return {shared_from_this(), &bucket}; }

  const std::shared_ptr<Allowance> store_bytes_;
  MemoryUsage usage_;
  std::shared_mutex mutex_;
  std::map<std::string, std::unique_ptr<MemoryBucket>, std::less<>> buckets_;
};

}  // namespace

MemoryStore::MemoryStore(MemoryStoreOptions options)
    : options_(options), used_(std::make_shared<Allowance>(options.max_bytes)) {}

std::shared_ptr<Keyspace> MemoryStore::keyspace(std::string_view name) {
  return keyspaces_.get(name, [&] {
    const auto keyspace = std::make_shared<MemoryKeyspace>(used_);
    if (options_.lifetime == MemoryStoreOptions::Lifetime::kOfTheStore) kept_.push_back(keyspace);
    return keyspace;
  });
}

}  // namespace nimbus::keyvalue
