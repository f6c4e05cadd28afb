#include "capability/keyvalue/redis/redis_keys.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace nimbus::keyvalue {
namespace {

TEST(RedisKeyspaceNames, ReadAsTheirOwnersAreCalled) {
  const RedisKeyspaceNames names("nimbus", "workload/default/shop");
  EXPECT_EQ(names.usage().text(), "nimbus:{workload/default/shop}:usage");
  EXPECT_EQ(names.buckets().text(), "nimbus:{workload/default/shop}:buckets");
  EXPECT_EQ(names.valuesOf("carts").text(), "nimbus:{workload/default/shop}:values:carts");
  EXPECT_EQ(names.indexOf("carts").text(), "nimbus:{workload/default/shop}:index:carts");
}

TEST(RedisKeyspaceNames, WhatCouldEndAPartIsEncoded) {
  const RedisKeyspaceNames names("nimbus", "a}:usage{");
  EXPECT_EQ(names.usage().text(), "nimbus:{a%7D%3Ausage%7B}:usage");
  EXPECT_EQ(names.valuesOf("b:%\xc3\xa9 ").text(),
            "nimbus:{a%7D%3Ausage%7B}:values:b%3A%25%C3%A9%20");
}

TEST(RedisKeyspaceNames, NoTwoNamesMeet) {
  std::set<std::string> seen;
  for (const char* keyspace : {"", "%", "a", "a/b", "a%2Fb"}) {
    const RedisKeyspaceNames names("nimbus", keyspace);
    EXPECT_TRUE(seen.emplace(names.usage().text()).second) << keyspace;
    EXPECT_TRUE(seen.emplace(names.buckets().text()).second) << keyspace;
    for (const char* bucket : {"", "%", "usage", "a:b", "a%3Ab", "a"}) {
      EXPECT_TRUE(seen.emplace(names.valuesOf(bucket).text()).second) << bucket;
      EXPECT_TRUE(seen.emplace(names.indexOf(bucket).text()).second) << bucket;
    }
  }
}

// A cluster takes no notice of "{}".
TEST(RedisKeyspaceNames, AnEmptyNameIsNotEmptyBetweenItsBraces) {
  EXPECT_EQ(RedisKeyspaceNames("p", "").usage().text(), "p:{%}:usage");
}

TEST(RedisKeyspaceNames, APrefixHasNoBraces) {
  for (const char* good : {"nimbus", "a", "team-1:nimbus", "a/b.c_d"})
    EXPECT_TRUE(isRedisPrefix(good)) << good;
  for (const char* bad : {"", "a{b}", "a b", "\xc3\xa9", "a\n"})
    EXPECT_FALSE(isRedisPrefix(bad)) << bad;
  EXPECT_TRUE(isRedisPrefix(std::string(64, 'p')));
  EXPECT_FALSE(isRedisPrefix(std::string(65, 'p')));
}

}  // namespace
}  // namespace nimbus::keyvalue
