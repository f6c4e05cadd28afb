#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "capability/keyvalue/limits.h"
#include "capability/keyvalue/store.h"
#include "wrpc/service.h"

namespace nimbus::keyvalue {

// A bucket's functions as WIT declares them, for both of its forms: `Declared` is the generated
// error, `Page` the generated key-response. What comes from a caller is checked here; failures of
// the storage become the error that WIT declares, so that a guest can handle them. What completes
// at once costs no task.
template <typename Declared, typename Page>
class Operations {
 public:
  template <typename T>
  using Answer = wrpc::Answer<std::expected<T, Declared>>;
  using BucketPtr = std::shared_ptr<Bucket>;
  using Pair = std::tuple<std::string, Bytes>;

  [[nodiscard]] static Declared declare(const Error& error) {
    switch (error.code()) {
      case ErrorCode::kNotFound: return Declared{typename Declared::NoSuchStore{}};
      case ErrorCode::kPermissionDenied: return Declared{typename Declared::AccessDenied{}};
      default: return Declared{typename Declared::Other{error.describe()}};
    }
  }

  static Answer<std::optional<Bytes>> get(const BucketPtr& bucket, std::string_view key) {
    if (auto wrong = checkKey(key); !wrong) return refuse<std::optional<Bytes>>(wrong.error());
    return answer<std::optional<Bytes>>(bucket, bucket->get(key), Same());
  }

  static Answer<void> set(const BucketPtr& bucket, std::string_view key, const Bytes& value) {
    if (auto wrong = checkKey(key); !wrong) return refuse<void>(wrong.error());
    if (auto wrong = checkValue(value.size()); !wrong) return refuse<void>(wrong.error());
    return answer<void>(bucket, bucket->set(key, value.view()), Same());
  }

  static Answer<void> remove(const BucketPtr& bucket, std::string_view key) {
    if (auto wrong = checkKey(key); !wrong) return refuse<void>(wrong.error());
    return answer<void>(bucket, bucket->remove(key), Same());
  }

  static Answer<bool> exists(const BucketPtr& bucket, std::string_view key) {
    if (auto wrong = checkKey(key); !wrong) return refuse<bool>(wrong.error());
    return answer<bool>(bucket, bucket->exists(key), Same());
  }

  static Answer<Page> listKeys(const BucketPtr& bucket, std::optional<std::uint64_t> cursor) {
    return answer<Page>(bucket, bucket->listKeys(cursor), ToPage());
  }

  static Answer<std::uint64_t> increment(const BucketPtr& bucket, std::string_view key,
                                         std::uint64_t delta) {
    if (auto wrong = checkKey(key); !wrong) return refuse<std::uint64_t>(wrong.error());
    return answer<std::uint64_t>(bucket, bucket->increment(key, delta), Same());
  }

  static Answer<std::vector<std::optional<Pair>>> getMany(const BucketPtr& bucket,
                                                          std::vector<std::string> keys) {
    using Pairs = std::vector<std::optional<Pair>>;
    if (auto wrong = checkKeys(keys); !wrong) return refuse<Pairs>(wrong.error());
    auto values = bucket->getMany(keys);
    return answer<Pairs>(bucket, std::move(values), ToPairs{std::move(keys)});
  }

  static Answer<void> setMany(const BucketPtr& bucket, std::vector<Pair> pairs) {
    if (auto wrong = checkBatch(pairs.size()); !wrong) return refuse<void>(wrong.error());
    std::vector<Entry> entries;
    entries.reserve(pairs.size());
    for (Pair& pair : pairs) {
      auto& [key, value] = pair;
      if (auto wrong = checkKey(key); !wrong) return refuse<void>(wrong.error());
      if (auto wrong = checkValue(value.size()); !wrong) return refuse<void>(wrong.error());
      entries.push_back({std::move(key), std::move(value)});
    }
    return answer<void>(bucket, bucket->setMany(std::move(entries)), Same());
  }

  static Answer<void> removeMany(const BucketPtr& bucket, std::vector<std::string> keys) {
    if (auto wrong = checkKeys(keys); !wrong) return refuse<void>(wrong.error());
    return answer<void>(bucket, bucket->removeMany(std::move(keys)), Same());
  }

  // Opens the bucket of that name and calls with it; for the form without handles. What `call`
  // refers to lives as long as the call.
  template <typename T, typename Call>
  static Answer<T> inBucket(const std::shared_ptr<Keyspace>& keyspace, std::string_view name,
                            Call call) {
    if (auto wrong = checkBucketName(name); !wrong) return refuse<T>(wrong.error());
    auto opened = keyspace->open(name);
    if (!opened.ready()) return callLater<T>(keyspace, std::move(opened), std::move(call));
    const auto bucket = opened.take();
    if (!bucket) return refuse<T>(bucket.error());
    return call(*bucket);
  }

  template <typename T>
  static Answer<T> refuse(const Error& error) {
    return std::expected<T, Declared>(std::unexpected(declare(error)));
  }

 private:
  struct Same {
    template <typename T>
    T operator()(T value) const {
      return value;
    }
  };
  struct ToPage {
    Page operator()(KeyPage page) const {
      return {.keys = std::move(page.keys), .cursor = page.cursor};
    }
  };
  struct ToPairs {
    std::vector<std::string> keys;
    std::vector<std::optional<Pair>> operator()(Values values) {
      std::vector<std::optional<Pair>> pairs(values.size());
      for (std::size_t i = 0; i < values.size(); ++i)
        if (values[i]) pairs[i].emplace(std::move(keys[i]), *std::move(values[i]));
      return pairs;
    }
  };

  static Result<void> checkKeys(const std::vector<std::string>& keys) {
    TRY_VOID(checkBatch(keys.size()));
    for (const std::string& key : keys) TRY_VOID(checkKey(key));
    return {};
  }

  template <typename Out, typename In, typename Convert>
  static std::expected<Out, Declared> declared(Result<In> result, Convert& convert) {
    if (!result) return std::unexpected(declare(result.error()));
    if constexpr (std::is_void_v<In>) {
      return {};
    } else {
      return convert(*std::move(result));
    }
  }

  template <typename Out, typename In, typename Convert>
  static Answer<Out> answer(const BucketPtr& bucket, Eventual<Result<In>> result, Convert convert) {
    if (!result.ready()) return answerLater<Out>(bucket, std::move(result), std::move(convert));
    return declared<Out>(result.take(), convert);
  }

  // Keeps the bucket: it outlives its calls.
  template <typename Out, typename In, typename Convert>
  static Task<Result<std::expected<Out, Declared>>> answerLater(BucketPtr /*bucket*/,
                                                                Eventual<Result<In>> result,
                                                                Convert convert) {
    co_return declared<Out>(co_await std::move(result), convert);
  }

  template <typename T, typename Call>
  static Task<Result<std::expected<T, Declared>>> callLater(std::shared_ptr<Keyspace> /*keyspace*/,
                                                            Eventual<Result<BucketPtr>> opening,
                                                            Call call) {
    const auto bucket = co_await std::move(opening);
    if (!bucket) co_return co_await refuse<T>(bucket.error());
    co_return co_await call(*bucket);
  }
};

}  // namespace nimbus::keyvalue
