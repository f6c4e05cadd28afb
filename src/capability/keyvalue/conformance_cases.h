#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/sync.h"
#include "base/task.h"
#include "capability/keyvalue/store.h"
#include "capability/keyvalue/test_results.h"
#include "wrpc/invoker.h"

// What a key-value store does, whoever it is and wherever it runs: the cases that every backend and
// every provider pass. Each opens buckets of its own, so that they can share a store that outlives
// them. For tests only.
namespace nimbus::keyvalue {

inline std::string textOf(const Result<std::optional<Bytes>>& value) {
  if (!value) return "error: " + value.error().describe();
  return *value ? std::string((*value)->text()) : "nothing";
}

// All pages; fails if a key stands on two.
inline Task<std::set<std::string>> allKeys(Bucket& bucket) {
  std::set<std::string> keys;
  std::optional<std::uint64_t> cursor;
  do {
    auto page = co_await bucket.listKeys(cursor);
    EXPECT_TRUE(succeeded(page));
    if (!page) break;
    for (const std::string& key : page->keys) EXPECT_TRUE(keys.insert(key).second) << key;
    cursor = page->cursor;
  } while (cursor);
  co_return keys;
}

// Passes on only the functions of one package, so that a provider's other form is not used; counts
// the look-ups of others.
class OnlyPackage final : public wrpc::Invoker {
 public:
  OnlyPackage(std::shared_ptr<wrpc::Invoker> inner, std::string package)
      : inner_(std::move(inner)), package_(std::move(package)) {}

  Result<wrpc::FunctionId> resolve(const wrpc::FunctionName& name) override {
    if (name.instance.starts_with(package_)) return inner_->resolve(name);
    refused_ += 1;
    return fail(ErrorCode::kNotFound, "not served: " + std::string(name.instance));
  }
  std::unique_ptr<wrpc::Session> open(net::Shard& shard,
                                      std::shared_ptr<const wrpc::Consumer> consumer) override {
    return inner_->open(shard, std::move(consumer));
  }
  // From now on it is that package.
  void become(std::string package) { package_ = std::move(package); }
  [[nodiscard]] int refused() const { return refused_; }

 private:
  const std::shared_ptr<wrpc::Invoker> inner_;
  std::string package_;
  int refused_ = 0;
};

class Conformance {
 public:
  struct Case {
    const char* name;
    Task<void> (*run)(Bucket& bucket);
  };

  static std::vector<Case> cases() {
    return {{"KeepsWhatWasSetUntilItIsDeleted", keepsWhatWasSet},
            {"TellsAnEmptyValueFromNone", tellsAnEmptyValueFromNone},
            {"TakesAnyTextAsKeyAndAnyBytesAsValue", takesAnything},
            {"KeepsLargeValues", keepsLargeValues},
            {"CountsInDecimalDigits", countsInDecimalDigits},
            {"CountsEachOfManyIncrementsAtOnce", countsConcurrently},
            {"RefusesToCountWhatIsNoNumber", refusesToCountText},
            {"ListsEachKeyOnce", listsEachKeyOnce},
            {"GetsSetsAndDeletesMany", handlesMany}};
  }

  // Runs a case with a bucket that nobody else has.
  static Task<void> run(Keyspace& keyspace, const Case& what) {
    const std::string name = std::string("conformance-") + what.name;
    auto bucket = co_await keyspace.open(name);
    EXPECT_TRUE(succeeded(bucket));
    if (!bucket) co_return;
    EXPECT_TRUE((co_await allKeys(**bucket)).empty()) << "the bucket was used before";
    co_await what.run(**bucket);
    // Another bucket has none of it.
    auto other = co_await keyspace.open(name + "-other");
    EXPECT_TRUE(succeeded(other));
    if (other) EXPECT_TRUE((co_await allKeys(**other)).empty());
  }

 private:
  static Task<void> keepsWhatWasSet(Bucket& bucket) {
    EXPECT_EQ(textOf(co_await bucket.get("k")), "nothing");
    EXPECT_EQ(co_await bucket.exists("k"), false);
    EXPECT_TRUE(succeeded(co_await bucket.set("k", asBytes("v"))));
    EXPECT_EQ(textOf(co_await bucket.get("k")), "v");
    EXPECT_TRUE(succeeded(co_await bucket.set("k", asBytes("longer"))));
    EXPECT_EQ(textOf(co_await bucket.get("k")), "longer");
    EXPECT_EQ(co_await bucket.exists("k"), true);
    EXPECT_TRUE(succeeded(co_await bucket.remove("k")));
    EXPECT_EQ(textOf(co_await bucket.get("k")), "nothing");
    EXPECT_EQ(co_await bucket.exists("k"), false);
    EXPECT_TRUE(succeeded(co_await bucket.remove("k")));
  }

  static Task<void> tellsAnEmptyValueFromNone(Bucket& bucket) {
    EXPECT_TRUE(succeeded(co_await bucket.set("k", {})));
    EXPECT_EQ(textOf(co_await bucket.get("k")), "");
    EXPECT_EQ(co_await bucket.exists("k"), true);
  }

  static Task<void> takesAnything(Bucket& bucket) {
    const std::string key = "a/b \xc3\xa9\xf0\x9f\x98\x80\n";
    std::string value;
    for (int i = 0; i < 256; ++i) value.push_back(static_cast<char>(i));
    EXPECT_TRUE(succeeded(co_await bucket.set(key, asBytes(value))));
    EXPECT_EQ(textOf(co_await bucket.get(key)), value);
    EXPECT_EQ(textOf(co_await bucket.get("a")), "nothing");
    EXPECT_EQ(co_await allKeys(bucket), std::set<std::string>{key});
  }

  static Task<void> keepsLargeValues(Bucket& bucket) {
    const std::string value(1 << 20, 'v');
    EXPECT_TRUE(succeeded(co_await bucket.set("large", asBytes(value))));
    EXPECT_TRUE(textOf(co_await bucket.get("large")) == value);
  }

  static Task<void> countsInDecimalDigits(Bucket& bucket) {
    EXPECT_EQ(co_await bucket.increment("n", 5), 5U);
    EXPECT_EQ(co_await bucket.increment("n", 0), 5U);
    EXPECT_EQ(co_await bucket.increment("n", 95), 100U);
    EXPECT_EQ(textOf(co_await bucket.get("n")), "100");
    EXPECT_TRUE(succeeded(co_await bucket.set("n", asBytes("41"))));
    EXPECT_EQ(co_await bucket.increment("n", 1), 42U);
  }

  static Task<void> refusesToCountText(Bucket& bucket) {
    EXPECT_TRUE(succeeded(co_await bucket.set("n", asBytes("ten"))));
    EXPECT_FALSE((co_await bucket.increment("n", 1)).has_value());
    EXPECT_EQ(textOf(co_await bucket.get("n")), "ten");
  }

  static Task<void> incrementOnce(Bucket& bucket, std::set<std::uint64_t>& seen) {
    const auto result = co_await bucket.increment("n", 1);
    EXPECT_TRUE(succeeded(result));
    if (result) seen.insert(*result);
  }

  static Task<void> countsConcurrently(Bucket& bucket) {
    TaskSet tasks;
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 50; ++i) tasks.spawn(incrementOnce(bucket, seen));
    co_await tasks.empty();
    EXPECT_EQ(seen.size(), 50U);
    EXPECT_EQ(textOf(co_await bucket.get("n")), "50");
  }

  static Task<void> listsEachKeyOnce(Bucket& bucket) {
    std::set<std::string> keys;
    std::vector<Entry> entries;
    for (int i = 0; i < 2500; ++i) {
      keys.insert("key-" + std::to_string(i));
      entries.push_back({"key-" + std::to_string(i), {}});
    }
    EXPECT_TRUE(succeeded(co_await bucket.setMany(std::move(entries))));
    EXPECT_EQ(co_await allKeys(bucket), keys);
  }

  static Task<void> handlesMany(Bucket& bucket) {
    std::vector<Entry> entries;
    entries.push_back({"a", Bytes::copyOf("1")});
    entries.push_back({"b", Bytes::copyOf("2")});
    entries.push_back({"a", Bytes::copyOf("3")});
    EXPECT_TRUE(succeeded(co_await bucket.setMany(std::move(entries))));
    auto values = co_await bucket.getMany({"b", "none", "a", "b"});
    EXPECT_TRUE(succeeded(values));
    if (!values || values->size() != 4) co_return;
    EXPECT_EQ(textOf((*values)[0]), "2");
    EXPECT_EQ(textOf((*values)[1]), "nothing");
    EXPECT_EQ(textOf((*values)[2]), "3");
    EXPECT_EQ(textOf((*values)[3]), "2");
    EXPECT_TRUE(succeeded(co_await bucket.removeMany({"a", "none"})));
    EXPECT_EQ(co_await allKeys(bucket), std::set<std::string>{"b"});
    EXPECT_TRUE(succeeded(co_await bucket.getMany({})));
    EXPECT_TRUE(succeeded(co_await bucket.setMany({})));
  }
};

}  // namespace nimbus::keyvalue
