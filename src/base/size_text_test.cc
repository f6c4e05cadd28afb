#include "base/size_text.h"

#include <gtest/gtest.h>

namespace nimbus {
namespace {

TEST(MebibytesText, TellsWholeMebibytesOrBytes) {
  EXPECT_EQ(mebibytesText(0), "0 MiB");
  EXPECT_EQ(mebibytesText(16 << 20), "16 MiB");
  EXPECT_EQ(mebibytesText((16 << 20) + 1), "16777217 bytes");
}

}  // namespace
}  // namespace nimbus
