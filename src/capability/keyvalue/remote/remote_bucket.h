#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "capability/keyvalue/remote/remote_call.h"
#include "capability/keyvalue/store.h"

namespace nimbus::keyvalue {

// A bucket of a provider elsewhere. The coroutines of a call own what they use: a bucket may go
// while its calls end.
struct RemotePlace {
  std::shared_ptr<const RemoteProvider> provider;
  std::string bucket;
};

// A Bucket by the calls of a contract: static functions of Calls by the names of the operations,
// tasks all of them. Nothing is open between calls.
template <typename Calls>
class RemoteBucket final : public Bucket {
 public:
  explicit RemoteBucket(RemotePlace place) : place_(std::move(place)) {}

  Eventual<Result<std::optional<Bytes>>> get(std::string_view key) override {
    return Calls::get(place_, std::string(key));
  }
  Eventual<Result<void>> set(std::string_view key, ByteView value) override {
    return Calls::set(place_, std::string(key), Bytes::copyOf(value));
  }
  Eventual<Result<void>> remove(std::string_view key) override {
    return Calls::remove(place_, std::string(key));
  }
  Eventual<Result<bool>> exists(std::string_view key) override {
    return Calls::exists(place_, std::string(key));
  }
  Eventual<Result<KeyPage>> listKeys(std::optional<std::uint64_t> cursor) override {
    return Calls::listKeys(place_, cursor);
  }
  Eventual<Result<std::uint64_t>> increment(std::string_view key, std::uint64_t delta) override {
    return Calls::increment(place_, std::string(key), delta);
  }
  Eventual<Result<Values>> getMany(std::vector<std::string> keys) override {
    return Calls::getMany(place_, std::move(keys));
  }
  Eventual<Result<void>> setMany(std::vector<Entry> entries) override {
    return Calls::setMany(place_, std::move(entries));
  }
  Eventual<Result<void>> removeMany(std::vector<std::string> keys) override {
    return Calls::removeMany(place_, std::move(keys));
  }

 private:
  const RemotePlace place_;
};

}  // namespace nimbus::keyvalue
