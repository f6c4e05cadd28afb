#include "oci/challenge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nimbus::oci {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Challenge::Scheme kBasic = Challenge::Scheme::kBasic;
constexpr Challenge::Scheme kBearer = Challenge::Scheme::kBearer;

std::vector<Challenge> parsed(std::string_view value) {
  auto challenges = parseChallenges(value);
  EXPECT_TRUE(challenges) << value;
  return challenges ? *challenges : std::vector<Challenge>();
}

TEST(ChallengeTest, ABearerChallengeNamesWhereToGetATokenForWhat) {
  EXPECT_THAT(parsed("Bearer realm=\"https://auth.example/token\",service=\"r.example\","
                     "scope=\"repository:a/b:pull,push\""),
              ElementsAre(Challenge{kBearer, "https://auth.example/token", "r.example",
                                    "repository:a/b:pull,push"}));
}

TEST(ChallengeTest, SpaceCaseAndOtherParametersDoNotMatter) {
  EXPECT_THAT(parsed("bEARER  Realm = \"x\" , error=\"invalid_token\",, SCOPE=s"),
              ElementsAre(Challenge{kBearer, "x", "", "s"}));
}

TEST(ChallengeTest, QuotedTextMayEscape) {
  EXPECT_THAT(parsed("Bearer realm=\"a\\\"b\\\\c\""),
              ElementsAre(Challenge{kBearer, "a\"b\\c", "", ""}));
}

TEST(ChallengeTest, SeveralChallengesStandInOneField) {
  EXPECT_THAT(parsed("Basic realm=\"r\", Bearer realm=\"x\",service=y"),
              ElementsAre(Challenge{kBasic, "r", "", ""}, Challenge{kBearer, "x", "y", ""}));
}

TEST(ChallengeTest, OtherSchemesAreLeftOut) {
  EXPECT_THAT(parsed("Negotiate, Digest realm=\"r\", nonce=n, Basic"),
              ElementsAre(Challenge{kBasic, "", "", ""}));
  EXPECT_THAT(parsed("Negotiate YWJj+/=="), IsEmpty());
  EXPECT_THAT(parsed(""), IsEmpty());
}

TEST(ChallengeTest, WhatIsNotWellFormedIsRefused) {
  for (const std::string& value :
       {std::string("Bearer realm=\"x"), std::string("Bearer realm=\"x\\"),
        std::string("Bearer realm=\"x\" service=\"y\""), std::string("=\"x\""),
        std::string("Bearer realm=x,realm=y"), std::string("Bearer realm=\"a\nb\""),
        std::string("Bearer \"x\""), std::string("Bearer a b"), std::string(9000, 'a')}) {
    const auto challenges = parseChallenges(value);
    ASSERT_FALSE(challenges) << value;
    EXPECT_EQ(challenges.error().code(), ErrorCode::kProtocol);
  }
}

}  // namespace
}  // namespace nimbus::oci
