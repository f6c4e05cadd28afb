#include "http/headers.h"

#include <gtest/gtest.h>

#include "http/authority.h"

namespace nimbus::http {
namespace {

TEST(HeadersTest, KeepsOrderAndRepeatedFieldsAndLowersNames) {
  Headers headers;
  headers.add("Set-Cookie", "A=1");
  headers.add("X-Other", "Value");
  headers.add("set-cookie", "B=2");
  ASSERT_EQ(headers.size(), 3u);
  EXPECT_EQ(headers[0].name, "set-cookie");
  EXPECT_EQ(headers[0].value, "A=1");
  EXPECT_EQ(headers[2].value, "B=2");
  EXPECT_EQ(headers.count("set-cookie"), 2u);
  EXPECT_EQ(headers.find("x-other"), "Value");
  EXPECT_EQ(headers.find("absent"), std::nullopt);
}

TEST(HeadersTest, SetReplacesAllFieldsOfThatName) {
  Headers headers;
  headers.add("a", "1");
  headers.add("b", "2");
  headers.add("a", "3");
  headers.set("a", "4");
  EXPECT_EQ(headers.count("a"), 1u);
  EXPECT_EQ(headers.find("a"), "4");
  EXPECT_EQ(headers.find("b"), "2");
  EXPECT_EQ(headers.textBytes(), 4u);
}

TEST(HeadersTest, RemoveAndClearForget) {
  Headers headers;
  headers.add("a", "1");
  headers.add("b", "2");
  headers.remove("a");
  headers.remove("absent");
  EXPECT_EQ(headers.size(), 1u);
  headers.clear();
  EXPECT_TRUE(headers.empty());
  EXPECT_EQ(headers.textBytes(), 0u);
}

TEST(HeadersTest, TokensHaveOnlyTokenCharacters) {
  for (const char* good : {"GET", "x-y", "!#$%&'*+-.^_`|~09azAZ"})
    EXPECT_TRUE(isToken(good)) << good;
  for (const char* bad : {"", "a b", "a:b", "a\t", "a(b", "a,b", "a/b", "\x80", "a\x7f", "a\r"}) {
    EXPECT_FALSE(isToken(bad)) << bad;
  }
  EXPECT_FALSE(isToken(std::string_view("a\0b", 3)));
}

TEST(HeadersTest, FieldValuesHaveNoControlCharactersButTabs) {
  for (const char* good : {"", "a", "a b", "a\tb", "\x80\xff", "\"quoted\""}) {
    EXPECT_TRUE(isFieldValue(good)) << good;
  }
  for (const char* bad : {" a", "a ", "\ta", "a\r", "a\nb", "a\x01", "a\x7f"}) {
    EXPECT_FALSE(isFieldValue(bad)) << bad;
  }
  EXPECT_FALSE(isFieldValue(std::string_view("a\0b", 3)));
}

TEST(AuthorityTest, AcceptsNamesAddressesAndPorts) {
  for (const char* good :
       {"a", "example.com", "EXAMPLE.com:80", "127.0.0.1:8000", "[::1]", "[::1]:443", "a:", "a_b",
        "xn--bcher-kva.example", "a%20b", "[::ffff:1.2.3.4]:1", "host.:65535"}) {
    EXPECT_TRUE(isAuthority(good)) << good;
  }
}

TEST(AuthorityTest, IsTheSameWhateverItsCaseItsDefaultPortAndItsFinalDot) {
  EXPECT_TRUE(sameAuthority("a.example", "A.EXAMPLE", "http"));
  EXPECT_TRUE(sameAuthority("a.example:80", "a.example", "http"));
  EXPECT_TRUE(sameAuthority("a.example:", "a.example:443", "https"));
  EXPECT_TRUE(sameAuthority("a.example.", "a.example:80", "http"));
  EXPECT_TRUE(sameAuthority("[::A]:443", "[::a]", "https"));
  EXPECT_TRUE(sameAuthority("a:8080", "A:8080", "http"));
  EXPECT_FALSE(sameAuthority("a.example:443", "a.example", "http"));
  EXPECT_FALSE(sameAuthority("a.example:80", "a.example", "https"));
  EXPECT_FALSE(sameAuthority("a.example", "b.example", "http"));
  EXPECT_FALSE(sameAuthority("[::1]", "[::2]", "http"));
  EXPECT_FALSE(sameAuthority("a..", "a", "http"));
}

TEST(AuthorityTest, RefusesEverythingElse) {
  for (const char* bad :
       {"",      ":80",     "user@host", "a b",          "a,b",  "a/b",  "a?b",   "a#b",
        "a:b",   "a:80:80", "a:65536",   "a:000080",     "[::1", "::1",  "[]",    "[g::1]",
        "[:::]", "[1:2]",   "[::1]x",    "[::1%25eth0]", "a%2",  "a%zz", "a\x80", "http://a"}) {
    EXPECT_FALSE(isAuthority(bad)) << bad;
  }
}

}  // namespace
}  // namespace nimbus::http
