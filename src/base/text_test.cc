#include "base/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nimbus {
namespace {

using testing::ElementsAre;
using testing::Optional;
using testing::Pair;

TEST(LowerAscii, ChangesOnlyAsciiCapitals) {
  EXPECT_EQ(lowerAscii("Content-LENGTH \xc3\x84@["), "content-length \xc3\x84@[");
}

TEST(EqualsIgnoringCase, ComparesLettersAndLength) {
  EXPECT_TRUE(equalsIgnoringCase("Keep-Alive", "keep-ALIVE"));
  EXPECT_FALSE(equalsIgnoringCase("keep", "keep-alive"));
  EXPECT_FALSE(equalsIgnoringCase("@", "`"));
}

TEST(Trim, DropsSpaceAtBothEndsOnly) {
  EXPECT_EQ(trim(" \ta b\r\n"), "a b");
  EXPECT_EQ(trim(" \t "), "");
  EXPECT_EQ(trim(""), "");
}

TEST(ParseDecimal, TakesDigitsOnly) {
  EXPECT_THAT(parseDecimal("0"), Optional(0U));
  EXPECT_THAT(parseDecimal("007"), Optional(7U));
  for (const std::string_view bad : {"", "+1", "-1", " 1", "1 ", "0x1", "1.0", "1e3"}) {
    EXPECT_EQ(parseDecimal(bad), std::nullopt) << bad;
  }
}

TEST(ParseDecimal, RefusesWhatDoesNotFit) {
  EXPECT_THAT(parseDecimal("18446744073709551615"), Optional(18446744073709551615U));
  EXPECT_EQ(parseDecimal("18446744073709551616"), std::nullopt);
}

TEST(Split, KeepsEmptyPieces) {
  EXPECT_THAT(split("a,,b", ','), ElementsAre("a", "", "b"));
  EXPECT_THAT(split(",", ','), ElementsAre("", ""));
  EXPECT_THAT(split("", ','), ElementsAre(""));
}

TEST(SplitOnce, CutsAtTheFirstSeparator) {
  EXPECT_THAT(splitOnce("K=V=W", '='), Optional(Pair("K", "V=W")));
  EXPECT_EQ(splitOnce("K", '='), std::nullopt);
}

TEST(EditDistance, CountsEdits) {
  EXPECT_EQ(editDistance("", "abc"), 3U);
  EXPECT_EQ(editDistance("abc", ""), 3U);
  EXPECT_EQ(editDistance("kitten", "sitting"), 3U);
  EXPECT_EQ(editDistance("host", "host"), 0U);
}

TEST(EditDistance, SwapOfNeighboursIsOneEdit) {
  EXPECT_EQ(editDistance("wrokload", "workload"), 1U);
}

TEST(NearestKey, FindsTheMistypedKey) {
  EXPECT_THAT(nearestKey("poolsize", {"image", "poolSize", "maxInvocations"}),
              Optional(std::string_view("poolSize")));
  EXPECT_THAT(nearestKey("maxInvocation", {"maxConcurrency", "maxInvocations"}),
              Optional(std::string_view("maxInvocations")));
}

TEST(NearestKey, DoesNotGuessWildly) {
  EXPECT_EQ(nearestKey("colour", {"image", "file"}), std::nullopt);
  EXPECT_EQ(nearestKey("x", {"image", "file"}), std::nullopt);
  EXPECT_EQ(nearestKey(std::string(100000, 'x'), {"image"}), std::nullopt);
}

TEST(ParseWholeNumber, TakesNoSuperfluousZeros) {
  EXPECT_EQ(parseWholeNumber("0"), 0U);
  EXPECT_EQ(parseWholeNumber("10"), 10U);
  for (const std::string_view bad : {"", "00", "01", "-1", "+1", "1.0"})
    EXPECT_EQ(parseWholeNumber(bad), std::nullopt) << bad;
}

TEST(HexDigit, TakesBothCases) {
  EXPECT_EQ(hexDigit('9'), 9);
  EXPECT_EQ(hexDigit('a'), 10);
  EXPECT_EQ(hexDigit('F'), 15);
  EXPECT_EQ(hexDigit('g'), -1);
  EXPECT_EQ(hexDigit('/'), -1);
}

}  // namespace
}  // namespace nimbus
