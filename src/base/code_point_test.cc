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

}  // namespace
}  // namespace nimbus
