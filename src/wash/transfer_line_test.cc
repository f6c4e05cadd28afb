#include "wash/transfer_line.h"

#include <gtest/gtest.h>

namespace nimbus::wash {
namespace {

TEST(TransferLineTest, BytesHaveUnits) {
  EXPECT_EQ(byteText(0), "0 B");
  EXPECT_EQ(byteText(1023), "1023 B");
  EXPECT_EQ(byteText(1536), "1.5 KiB");
  EXPECT_EQ(byteText(50.0 * 1024 * 1024), "50.0 MiB");
  EXPECT_EQ(byteText(5e12), "4656.6 GiB");
}

TEST(TransferLineTest, FitsIntoALine) {
  EXPECT_EQ(transferText("Pulling r/a:1", 1 << 20, 4 << 20, 2048, 80),
            "Pulling r/a:1  1.0 MiB of 4.0 MiB  2.0 KiB/s");
  EXPECT_EQ(transferText("Pulling r/a:1", 1 << 20, 4 << 20, 2048, 40),
            "Pulling r  1.0 MiB of 4.0 MiB  2.0 KiB/s");
  EXPECT_EQ(transferText("Pulling r/a:1", 1 << 20, 4 << 20, 2048, 10).size(), 10);
}

}  // namespace
}  // namespace nimbus::wash
