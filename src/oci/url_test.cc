#include "oci/url.h"

#include <gtest/gtest.h>

namespace nimbus::oci {
namespace {

TEST(UrlTest, HasSchemeAuthorityAndPath) {
  const Url url = *Url::parse("HTTPS://Auth.Example:8443/token?a=b#end");
  EXPECT_EQ(url.scheme, http::Scheme::kHttps);
  EXPECT_EQ(url.authority, "auth.example:8443");
  EXPECT_EQ(url.path, "/token?a=b");
  EXPECT_EQ(Url::parse("http://a")->path, "/");
  EXPECT_EQ(Url::parse("http://a?x")->path, "/?x");
}

TEST(UrlTest, WhatIsNoAddressIsNotTaken) {
  for (const std::string& text :
       {std::string(), std::string("ftp://a/"), std::string("https://"), std::string("https:///x"),
        std::string("https://user:pw@a/"), std::string("https://a b/"), std::string("https://a/\n"),
        std::string("https://a:99999/"), "https://a/" + std::string(9000, 'x')})
    EXPECT_FALSE(Url::parse(text)) << text;
}

TEST(UrlTest, LocationsAreMeantFromWhereTheyCome) {
  const Url from = *Url::parse("http://r:5000/v2/x/blobs/uploads/");
  EXPECT_EQ(from.resolve("/v2/u?state=1")->text(), "http://r:5000/v2/u?state=1");
  EXPECT_EQ(from.resolve("//s/x")->text(), "http://s/x");
  EXPECT_EQ(from.resolve("https://s/x")->text(), "https://s/x");
  EXPECT_FALSE(from.resolve("x"));
  EXPECT_FALSE(from.resolve(""));
  EXPECT_FALSE(from.resolve("/a b"));
}

TEST(UrlTest, AddsToTheQuery) {
  const Url url = *Url::parse("https://a/t");
  EXPECT_EQ(url.with("scope", "repository:a/b:pull,push").with("x", "1").path,
            "/t?scope=repository%3Aa%2Fb%3Apull%2Cpush&x=1");
  EXPECT_EQ(url.with("a", "b").plainText(), "https://a/t");
}

TEST(UrlTest, AnotherPortOrSchemeIsAnotherOrigin) {
  const Url url = *Url::parse("https://a/t");
  EXPECT_TRUE(url.sameOrigin(*Url::parse("https://A/other")));
  EXPECT_FALSE(url.sameOrigin(*Url::parse("http://a/t")));
  EXPECT_FALSE(url.sameOrigin(*Url::parse("https://a:444/t")));
  EXPECT_FALSE(url.sameOrigin(*Url::parse("https://b/t")));
}

}  // namespace
}  // namespace nimbus::oci
