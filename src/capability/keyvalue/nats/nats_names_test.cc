#include "capability/keyvalue/nats/nats_names.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "capability/keyvalue/limits.h"
#include "capability/keyvalue/test_results.h"

namespace nimbus::keyvalue {
namespace {

// As NATS takes it: no token is empty, and none has what ends a word or stands for others.
bool isPlainSubject(std::string_view subject) {
  return !subject.empty() && !subject.starts_with('.') && !subject.ends_with('.') &&
         !subject.contains("..") && std::ranges::all_of(subject, [](char c) {
           return c > ' ' && c < 0x7f && c != '*' && c != '>';
         });
}

TEST(NatsNames, KeyspacesBecomeBucketsThatCanBeRead) {
  EXPECT_EQ(natsBucketOf("nimbus", "workload/default/shop"), "nimbus_workload__default__shop");
  EXPECT_EQ(natsBucketOf("n-1", "shared/a-b/c_d.e"), "n-1_shared__a-b__c_5fd_2ee");
  EXPECT_EQ(natsBucketOf("nimbus", ""), "nimbus_");
}

TEST(NatsNames, NoTwoKeyspacesMeet) {
  std::set<std::string> names;
  const std::string long_name(300, 'k');
  const std::vector<std::string> keyspaces = {
      "",     "a",    "a/b",  "a_b",   "a__b", "a//b", "a_2fb",           "a.b",
      "A",    "/-",   "_-",   "a\xc3", "ä",    "a b",  long_name,         long_name + "k",
      "a/_b", "a_/b", "a_-b", "/",     "_",    "__",   long_name + "/_-", "-"};
  for (const std::string& keyspace : keyspaces) {
    const std::string name = natsBucketOf("p", keyspace);
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_LE(name.size(), 200U);
    EXPECT_TRUE(std::ranges::all_of(name, [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
    })) << name;
  }
  EXPECT_EQ(names.size(), keyspaces.size());
}

TEST(NatsNames, PrefixesAreShortAndHaveNothingThatEscapes) {
  EXPECT_TRUE(checkNatsPrefix("nimbus-2"));
  for (const char* wrong : {"", "a_b", "a.b", "a b", "ä", "123456789012345678901234567890123"})
    EXPECT_EQ(codeOf(checkNatsPrefix(wrong)), ErrorCode::kInvalidArgument) << wrong;
}

TEST(NatsNames, KeysStandInSubjectsAsTheyAreIfTheyCan) {
  const NatsBucketSubjects subjects("nimbus_k", "carts");
  EXPECT_EQ(subjects.of("user/7_a-B").text, "$KV.nimbus_k.carts.user/7_a-B");
  EXPECT_EQ(subjects.of("cart.total").text, "$KV.nimbus_k.carts.cart.total");
  EXPECT_EQ(subjects.of("").text, "$KV.nimbus_k.carts.=");
  EXPECT_EQ(subjects.of(".a..b.").text, "$KV.nimbus_k.carts.=2Ea=2E=2Eb=2E");
  EXPECT_EQ(subjects.of("a=b *>").text, "$KV.nimbus_k.carts.a=3Db=20=2A=3E");
  EXPECT_EQ(subjects.of("ä").text, "$KV.nimbus_k.carts.=C3=A4");
  EXPECT_EQ(subjects.all(), "$KV.nimbus_k.carts.>");
  EXPECT_EQ(NatsBucketSubjects("b", "").all(), "$KV.b.=.>");
  EXPECT_EQ(NatsBucketSubjects("b", "a.b").all(), "$KV.b.a=2Eb.>");
}

std::vector<std::string> oddKeys() {
  std::vector<std::string> keys = {"",     "=",   "==",   "=3D", "..",   ".",    "a.",   ".a",
                                   "a..b", "a.b", "a.b.", "*",   ">",    "a.>",  " ",    "\r\n",
                                   "$KV",  "=2E", "=2e",  "%",   "\x7f", "日本", "a=2Eb"};
  for (int c = 0; c < 256; ++c) {
    keys.push_back(std::string("x") + static_cast<char>(c));
    keys.push_back(std::string("x.") + static_cast<char>(c) + ".y");
  }
  keys.emplace_back(kMaxKeyBytes, 'k');
  keys.emplace_back(kMaxKeyBytes, '\xff');
  keys.emplace_back(kMaxKeyBytes, '.');
  keys.push_back(std::string(kMaxKeyBytes - 1, 'k') + "l");
  keys.emplace_back(1024, 'k');
  keys.emplace_back(1025, 'k');
  return keys;
}

TEST(NatsNames, EveryKeyHasASubjectOfItsOwnThatTellsIt) {
  const NatsBucketSubjects subjects("nimbus_k", std::string(kMaxBucketNameBytes, '.'));
  std::set<std::string> keys;
  std::set<std::string> seen;
  for (const std::string& key : oddKeys()) {
    if (!keys.insert(key).second) continue;
    const NatsSubject subject = subjects.of(key);
    EXPECT_TRUE(isPlainSubject(subject.text)) << subject.text;
    EXPECT_LT(subject.text.size(), 2100U);
    EXPECT_TRUE(seen.insert(subject.text).second) << subject.text;
    const auto long_key =
        subject.long_key.empty() ? std::nullopt : std::optional<std::string_view>(subject.long_key);
    EXPECT_EQ(subjects.keyAt(subject.text, long_key), key);
  }
}

TEST(NatsNames, ABucketsSubjectsAreNoOthers) {
  const NatsBucketSubjects a("k", "a");
  EXPECT_FALSE(a.keyAt(NatsBucketSubjects("k", "b").of("x").text, {}));
  EXPECT_FALSE(a.keyAt(NatsBucketSubjects("k", "a.b").of("x").text, {}));
  EXPECT_FALSE(a.keyAt("$KV.k.a", {}));
}

TEST(NatsNames, WhatOthersWroteOtherwiseIsNoKey) {
  const NatsBucketSubjects subjects("k", "b");
  const auto keyAt = [&](const std::string& text, std::optional<std::string_view> header = {}) {
    return subjects.keyAt("$KV.k.b." + text, header);
  };
  EXPECT_EQ(keyAt("plain"), "plain");
  for (const char* text : {"", "=4", "=zz", "=41", "=2e", "a=", "=2Ea=", "==", "a..b",
                           "="
                           "=00"})
    EXPECT_FALSE(keyAt(text)) << text;
  const NatsSubject long_one = subjects.of(std::string(2000, 'k'));
  EXPECT_FALSE(subjects.keyAt(long_one.text, {}));
  EXPECT_FALSE(subjects.keyAt(long_one.text, std::string(2000, 'j')));
  EXPECT_FALSE(subjects.keyAt(long_one.text, "short"));
}

}  // namespace
}  // namespace nimbus::keyvalue
