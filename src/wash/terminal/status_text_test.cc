#include "wash/terminal/status_text.h"

#include <gtest/gtest.h>

namespace nimbus::wash {
namespace {

constexpr std::uint64_t kMib = 1 << 20;

TEST(StatusTextTest, BytesHaveUnits) {
  EXPECT_EQ(byteText(0), "0 B");
  EXPECT_EQ(byteText(1023), "1023 B");
  EXPECT_EQ(byteText(1536), "1.5 KiB");
  EXPECT_EQ(byteText(50.0 * 1024 * 1024), "50.0 MiB");
  EXPECT_EQ(byteText(5e12), "4656.6 GiB");
}

TEST(StatusTextTest, TransfersFitIntoALine) {
  const TransferState transfer{kMib, 4 * kMib, 2048};
  EXPECT_EQ(statusText("Pulling r/a:1", transfer, 80),
            "Pulling r/a:1 [#####---------------]  1.0 MiB of 4.0 MiB  2.0 KiB/s");
  EXPECT_EQ(statusText("Pulling r/a:1", transfer, 50),
            "Pulling r/a:1  1.0 MiB of 4.0 MiB  2.0 KiB/s");
  EXPECT_EQ(statusText("Pulling r/a:1", transfer, 40), "Pulling r  1.0 MiB of 4.0 MiB  2.0 KiB/s");
  EXPECT_EQ(statusText("Pulling r/a:1", transfer, 10).size(), 10);
  EXPECT_EQ(statusText("Pulling r/a:1", transfer, 0), "");
  EXPECT_EQ(statusText("Pulling r/a:1", TransferState{kMib, 0, 2048}, 80),
            "Pulling r/a:1  1.0 MiB  2.0 KiB/s");
}

TEST(StatusTextTest, MoreThanWasAnnouncedFillsTheBar) {
  EXPECT_EQ(statusText("x", TransferState{3, 2, 0}, 80),
            "x [####################]  3 B of 2 B  0 B/s");
}

TEST(StatusTextTest, IsCutBetweenCharacters) {
  EXPECT_EQ(statusText("Compiling a", 2.4, 80), "Compiling a  2 s");
  EXPECT_EQ(statusText("Ähren", 1, 8), "Ähr  1 s");
  EXPECT_EQ(firstColumns("äöü", 2), "äö");
  EXPECT_EQ(firstColumns("äöü", 9), "äöü");
  EXPECT_EQ(firstColumns("", 9), "");
}

}  // namespace
}  // namespace nimbus::wash
