#include "project/languages/go_version.h"

#include <gtest/gtest.h>

namespace nimbus::project {
namespace {

TEST(GoVersion, IsReadOfWhatGoSays) {
  EXPECT_EQ(parseGoVersion("go1.26.8"), (GoVersion{1, 26}));
  EXPECT_EQ(parseGoVersion("go1.24rc2"), (GoVersion{1, 24}));
  EXPECT_EQ(parseGoVersion("go1.25 X:nocoverageredesign"), (GoVersion{1, 25}));
  EXPECT_EQ(parseGoVersion("devel go1.27-abc"), std::nullopt);
  EXPECT_EQ(parseGoVersion("go1"), std::nullopt);
  EXPECT_EQ(parseGoVersion(""), std::nullopt);
  EXPECT_LT(*parseGoVersion("go1.9"), *parseGoVersion("go1.24"));
}

}  // namespace
}  // namespace nimbus::project
