#include "capability/keyvalue/redis/redis_place.h"

#include <gtest/gtest.h>

namespace nimbus::keyvalue {
namespace {

RedisPlace placeOf(std::string_view url) {
  auto place = RedisPlace::parse(url);
  EXPECT_TRUE(place) << url << ": " << place.error().describe();
  return place.value_or(RedisPlace());
}

std::string refusalOf(std::string_view url) {
  const auto place = RedisPlace::parse(url);
  EXPECT_FALSE(place) << url;
  if (place) return "";
  EXPECT_EQ(place.error().code(), ErrorCode::kInvalidArgument);
  const std::string begin = "the URL of the Redis server: ";
  EXPECT_TRUE(place.error().describe().starts_with(begin));
  return place.error().describe().substr(begin.size());
}

TEST(RedisPlace, HasDefaultsForPortAndDatabase) {
  const RedisPlace place = placeOf("redis://cache.example");
  EXPECT_EQ(place.host, "cache.example");
  EXPECT_EQ(place.port, 6379);
  EXPECT_EQ(place.database, 0U);
  EXPECT_EQ(place.user, "");
  EXPECT_FALSE(place.password);
  EXPECT_FALSE(place.tls);
  EXPECT_EQ(placeOf("redis://cache.example/").database, 0U);
}

TEST(RedisPlace, TakesPortDatabaseAndTls) {
  const RedisPlace place = placeOf("rediss://10.0.0.7:7000/12");
  EXPECT_EQ(place.host, "10.0.0.7");
  EXPECT_EQ(place.port, 7000);
  EXPECT_EQ(place.database, 12U);
  EXPECT_TRUE(place.tls);
}

TEST(RedisPlace, AnIPv6AddressStandsInBrackets) {
  EXPECT_EQ(placeOf("redis://[::1]").host, "::1");
  EXPECT_EQ(placeOf("redis://[::1]:7000/1").port, 7000);
  EXPECT_EQ(placeOf("redis://[::1]:7000/1").describe(), "redis://[::1]:7000/1");
}

TEST(RedisPlace, TakesUserAndPassword) {
  const RedisPlace both = placeOf("redis://me:s%40cr%2fet%25@h");
  EXPECT_EQ(both.user, "me");
  EXPECT_EQ(both.password, "s@cr/et%");
  const RedisPlace alone = placeOf("redis://:secret@h");
  EXPECT_EQ(alone.user, "");
  EXPECT_EQ(alone.password, "secret");
  EXPECT_EQ(placeOf("redis://me:@h").password, "");
  EXPECT_FALSE(placeOf("redis://me@h").password);
  // What is not encoded though it should be is still told from the rest.
  EXPECT_EQ(placeOf("redis://me:a@b/c@h:1").password, "a@b/c");
}

TEST(RedisPlace, TakesTheSocketOfAUnixServer) {
  const RedisPlace place = placeOf("unix:/run/redis/redis.sock");
  EXPECT_EQ(place.unix_path, "/run/redis/redis.sock");
  EXPECT_EQ(place.describe(), "unix:/run/redis/redis.sock");
}

TEST(RedisPlace, DescribesItselfWithoutCredentials) {
  EXPECT_EQ(placeOf("redis://me:secret@h:1/2").describe(), "redis://h:1/2");
  EXPECT_EQ(placeOf("rediss://:secret@h").describe(), "rediss://h:6379/0");
}

TEST(RedisPlace, SaysWhatIsWrongWithoutRepeatingIt) {
  const char* const forms = "expected redis://…, rediss://… or unix:PATH";
  EXPECT_EQ(refusalOf(""), forms);
  EXPECT_EQ(refusalOf("secret"), forms);
  EXPECT_EQ(refusalOf("http://h"), forms);
  EXPECT_EQ(refusalOf("redis:h"), forms);
  EXPECT_EQ(refusalOf("redis://"), "the name of the server is missing");
  EXPECT_EQ(refusalOf("redis://me:secret@"), "the name of the server is missing");
  EXPECT_EQ(refusalOf("redis://h h"), "what should be the name of the server is none");
  EXPECT_EQ(refusalOf("redis://" + std::string(254, 'h')),
            "what should be the name of the server is none");
  for (const char* port : {"", "0", "65536", "x", "-1", "1:2"})
    EXPECT_EQ(refusalOf("redis://h:" + std::string(port)), "the port is no number from 1 to 65535");
  for (const char* database : {"x", "-1", "1/2", "2147483648"})
    EXPECT_TRUE(
        refusalOf("redis://h/" + std::string(database)).contains("the number of a database"));
  EXPECT_EQ(refusalOf("redis://[::1"), "\"]\" is missing");
  EXPECT_EQ(refusalOf("redis://[10.0.0.1]"), "brackets are for an IPv6 address");
  EXPECT_EQ(refusalOf("redis://::1"), "the name of the server is missing");
  EXPECT_TRUE(refusalOf("redis://h/0?protocol=resp3").contains("a query or a fragment"));
  for (const char* password : {"%", "%4", "%zz", "a%4"})
    EXPECT_TRUE(refusalOf("redis://:" + std::string(password) + "@h").contains("hexadecimal"));
  EXPECT_EQ(refusalOf("unix:"), "the path of the socket is missing");
  EXPECT_EQ(refusalOf("unix:/" + std::string(107, 'p')),
            "the path of a socket has at most 107 bytes");
  EXPECT_EQ(refusalOf(std::string_view("unix:a\0b", 8)), "the path holds a zero byte");
}

}  // namespace
}  // namespace nimbus::keyvalue
