#include "base/code_point.h"

#include <gtest/gtest.h>

namespace nimbus {
namespace {

TEST(AsUtf8, LeavesUtf8Alone) { EXPECT_EQ(asUtf8("grüße €🙂\n"), "grüße €🙂\n"); }

TEST(AsUtf8, ReplacesEachByteThatIsNot) {
  EXPECT_EQ(asUtf8("a\xff z\xc3"), "a\ufffd z\ufffd");
  EXPECT_EQ(asUtf8("\xed\xa0\x80"), "\ufffd\ufffd\ufffd") << "a surrogate";
  EXPECT_EQ(asUtf8("\xc0\xaf"), "\ufffd\ufffd") << "not the shortest form";
}

TEST(FirstCodePoint, TellsHowLongItIs) {
  EXPECT_EQ(firstCodePoint("€x").value, 0x20acU);
  EXPECT_EQ(firstCodePoint("€x").size_bytes, 3U);
  EXPECT_EQ(firstCodePoint("\xf5").value, kNotUtf8);
}

TEST(FirstInvalidUtf8, IsWhereUtf8Ends) {
  EXPECT_EQ(firstInvalidUtf8("aé€\U0001F600"), std::nullopt);
  EXPECT_EQ(firstInvalidUtf8("a\x80"), 1U);
  EXPECT_EQ(firstInvalidUtf8("\xC0\xAF"), 0U);          // overlong
  EXPECT_EQ(firstInvalidUtf8("\xED\xA0\x80"), 0U);      // surrogate
  EXPECT_EQ(firstInvalidUtf8("\xF4\x90\x80\x80"), 0U);  // beyond U+10FFFF
  EXPECT_EQ(firstInvalidUtf8("ab\xE2\x82"), 2U);        // cut off
}

}  // namespace
}  // namespace nimbus
