#include "wash/terminal/clone_line.h"

#include <gtest/gtest.h>

#include <string>

namespace nimbus::wash {
namespace {

TEST(CloneLineTest, LeavesTheScreenToGitWhereItMayAsk) {
  std::string text;
  BottomLine place([&text](std::string_view written) { text += written; });
  StatusLine line(place);
  {
    const CloneLine clone(line, "https://x/\x1b[2J", CloneLine::Git::kMayAsk);
    place.show("1 s");
    EXPECT_EQ(text, "Cloning https://x/\\u{1b}[2J\n");
  }
  text.clear();
  place.show("2 s");
  EXPECT_EQ(text, std::string(kEraseLine) + "2 s");
}

TEST(CloneLineTest, LeavesTheScreenToOthersWhereGitAsksNothing) {
  std::string text;
  BottomLine place([&text](std::string_view written) { text += written; });
  BottomLine other([&text](std::string_view written) { text += written; });
  StatusLine line(place);
  const CloneLine clone(line, "https://x/y", CloneLine::Git::kAsksNothing);
  other.show("1 s");
  EXPECT_TRUE(text.contains("1 s"));
}

}  // namespace
}  // namespace nimbus::wash
