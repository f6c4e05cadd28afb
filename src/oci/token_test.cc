#include "oci/token.h"

#include <gtest/gtest.h>

namespace nimbus::oci {
namespace {

TEST(TokenTest, BothNamesOfTheTokenAreRead) {
  EXPECT_EQ(parseToken(R"({"token":"a.b","access_token":"c"})")->text, "a.b");
  EXPECT_EQ(parseToken(R"({"access_token":"c"})")->text, "c");
}

TEST(TokenTest, LivesAMinuteAtLeastAndADayAtMost) {
  EXPECT_EQ(parseToken(R"({"token":"a"})")->lives, std::chrono::seconds(60));
  EXPECT_EQ(parseToken(R"({"token":"a","expires_in":5})")->lives, std::chrono::seconds(60));
  EXPECT_EQ(parseToken(R"({"token":"a","expires_in":300})")->lives, std::chrono::seconds(300));
  EXPECT_EQ(parseToken(R"({"token":"a","expires_in":99999999})")->lives, std::chrono::hours(24));
  EXPECT_EQ(parseToken(R"({"token":"a","expires_in":"x"})")->lives, std::chrono::seconds(60));
}

TEST(TokenTest, WhatCannotGoIntoAHeaderFieldIsRefused) {
  for (const std::string& answer :
       {std::string(), std::string("[]"), std::string("{}"), std::string(R"({"token":""})"),
        std::string(R"({"token":"a b"})"), std::string(R"({"token":"a\nx: y"})"),
        std::string(R"({"token":7})"), R"({"token":")" + std::string(70000, 'a') + "\"}"}) {
    const auto token = parseToken(answer);
    ASSERT_FALSE(token) << answer.substr(0, 100);
    EXPECT_EQ(token.error().code(), ErrorCode::kProtocol);
  }
}

}  // namespace
}  // namespace nimbus::oci
