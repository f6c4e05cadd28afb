#include "host/manifest/text_rules.h"

#include <gtest/gtest.h>

namespace nimbus::host {
namespace {

TEST(TextRules, ADnsLabelHasOneTo63Characters) {
  EXPECT_TRUE(isDnsLabel("a"));
  EXPECT_TRUE(isDnsLabel("a-1"));
  EXPECT_TRUE(isDnsLabel(std::string(63, 'a')));
  for (const std::string& bad :
       {std::string(), std::string(64, 'a'), std::string("-a"), std::string("a-"), std::string("A"),
        std::string("a.b"), std::string("a_b"), std::string("ä")})
    EXPECT_FALSE(isDnsLabel(bad)) << bad;
}

TEST(TextRules, DurationsCarryTheirUnit) {
  EXPECT_EQ(parseDurationMs("250ms"), 250U);
  EXPECT_EQ(parseDurationMs("10s"), 10'000U);
  EXPECT_EQ(parseDurationMs("5m"), 300'000U);
  EXPECT_EQ(parseDurationMs("2h"), 7'200'000U);
  for (const std::string_view bad : {"", "10", "s", "1.5s", "-1s", "1 s", "1d", "010s",
                                     "99999999999999999999s", "9999999999999999999h"})
    EXPECT_EQ(parseDurationMs(bad), std::nullopt) << bad;
}

TEST(TextRules, QuantitiesOfBytesAreThoseOfKubernetes) {
  EXPECT_EQ(parseByteQuantity("64Mi"), 64U << 20);
  EXPECT_EQ(parseByteQuantity("1Gi"), 1U << 30);
  EXPECT_EQ(parseByteQuantity("3Ki"), 3072U);
  EXPECT_EQ(parseByteQuantity("2Ti"), 2ULL << 40);
  EXPECT_EQ(parseByteQuantity("5k"), 5000U);
  EXPECT_EQ(parseByteQuantity("500M"), 500'000'000U);
  EXPECT_EQ(parseByteQuantity("1G"), 1'000'000'000U);
  EXPECT_EQ(parseByteQuantity("1T"), 1'000'000'000'000U);
  EXPECT_EQ(parseByteQuantity("1024"), 1024U);
  for (const char* bad : {"", "Mi", "64MiB", "64 Mi", "64mi", "-1", "1.5Gi", "16777216Ti", "1K"})
    EXPECT_EQ(parseByteQuantity(bad), std::nullopt) << bad;
}

TEST(TextRules, AFormattedQuantityReadsBackTheSame) {
  EXPECT_EQ(formatByteQuantity(64 << 20), "64Mi");
  EXPECT_EQ(formatByteQuantity(1'000'000'000), "1G");
  for (const std::uint64_t bytes :
       std::vector<std::uint64_t>{0, 1, 1000, 1023, 1024, 5ULL << 40, UINT64_MAX})
    EXPECT_EQ(parseByteQuantity(formatByteQuantity(bytes)), bytes);
}

TEST(TextRules, AFormattedDurationReadsBackTheSame) {
  for (const std::uint64_t ms : {0U, 1U, 250U, 1000U, 1500U, 60'000U, 90'000U, 3'600'000U})
    EXPECT_EQ(parseDurationMs(formatDurationMs(ms)), ms);
}

TEST(TextRules, TakesHostsOfThreeForms) {
  EXPECT_EQ(normalRouteHost("A.Example").value(), "a.example");
  EXPECT_EQ(normalRouteHost("*.Example.org").value(), "*.example.org");
  EXPECT_EQ(normalRouteHost("*").value(), "");
  EXPECT_EQ(normalRouteHost("127.0.0.1").value(), "127.0.0.1");
  EXPECT_EQ(normalRouteHost("[::1]").value(), "[::1]");
  EXPECT_EQ(normalRouteHost("[2001:DB8:0::0001]").value(), "[2001:db8::1]");
  for (const std::string_view bad : {"",
                                     "[:::]",
                                     "[1.2.3.4]",
                                     "[12345::]",
                                     "[::ffff:1.2.3.4]",
                                     "a.example:80",
                                     "*.",
                                     "a.*.b",
                                     "*a.b",
                                     "**.b",
                                     "a..b",
                                     ".a",
                                     "a.",
                                     "a b",
                                     "a/b",
                                     "*.1.2.3",
                                     "[::1",
                                     "[zz]",
                                     "[]",
                                     "a_b.c"})
    EXPECT_FALSE(normalRouteHost(bad)) << bad;
  EXPECT_EQ(normalRouteHost("::1").error().message(),
            "\"::1\": an IPv6 address stands in brackets");
}

TEST(TextRules, NormalisesPathPrefixes) {
  EXPECT_EQ(normalRoutePath("/").value(), "/");
  EXPECT_EQ(normalRoutePath("/api").value(), "/api");
  EXPECT_EQ(normalRoutePath("/api/").value(), "/api");
  EXPECT_EQ(normalRoutePath("/a/b.c/..d").value(), "/a/b.c/..d");
  for (const std::string_view bad :
       {"", "api", "//", "/a//b", "/a/../b", "/.", "/a/..", "/a?b", "/a#b", "/a b", "/a*", "/a\n"})
    EXPECT_FALSE(normalRoutePath(bad)) << bad;
  EXPECT_FALSE(normalRoutePath("/" + std::string(3000, 'a')));
}

TEST(TextRules, MethodsAreCaseSensitiveTokens) {
  EXPECT_TRUE(checkRouteMethod("GET"));
  EXPECT_TRUE(checkRouteMethod("PURGE"));
  EXPECT_TRUE(checkRouteMethod("purge"));
  EXPECT_EQ(checkRouteMethod("get").error().message(),
            "\"get\" is not a method; did you mean \"GET\"?");
  EXPECT_FALSE(checkRouteMethod(""));
  EXPECT_FALSE(checkRouteMethod("G T"));
}

TEST(TextRules, KnowsYamlNumbers) {
  for (const std::string_view number : {"0", "8", "-1", "+1", "1.5", ".5", "1.", "1e3", "1E-3",
                                        "0x1f", "0o17", ".inf", "-.inf", ".nan"})
    EXPECT_TRUE(looksLikeNumber(number)) << number;
  for (const std::string_view text : {"", "-", ".", "e3", "1e", "0.2.1", "1s", "0x", "0xg", "1,5"})
    EXPECT_FALSE(looksLikeNumber(text)) << text;
}

}  // namespace
}  // namespace nimbus::host
