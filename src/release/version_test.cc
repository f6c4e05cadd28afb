#include "release/version.h"

#include <gtest/gtest.h>

namespace nimbus::release {
namespace {

TEST(VersionTest, SaysWhatItWasReadFrom) {
  for (const char* text : {"0.0.0", "1.20.300", "1.0.0-rc.1", "1.0.0-alpha-2.x", "4294967295.0.0"})
    EXPECT_EQ(Version::parse(text).value().text(), text);
}

TEST(VersionTest, TakesNothingElse) {
  for (const char* text : {"", "1", "1.2", "1.2.3.4", "v1.2.3", "01.2.3", "1.2.3-", "1.2.3-a..b",
                           "1.2.3-01", "1.2.3+5", "1.2.-3", "1.2.3 ", "1.2.4294967296", "1.2.3-ä"})
    EXPECT_FALSE(Version::parse(text)) << text;
  EXPECT_FALSE(Version::parse("1.2.3-" + std::string(64, 'a')));
}

TEST(VersionTest, IsOrderedAsSemanticVersioningSays) {
  const char* rising[] = {"0.9.9",      "1.0.0-alpha",  "1.0.0-alpha.1", "1.0.0-alpha.beta",
                          "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",
                          "1.0.0",      "1.0.1",        "1.2.0",         "1.10.0",
                          "2.0.0-1",    "2.0.0-a"};
  for (std::size_t i = 0; i < std::size(rising); ++i) {
    for (std::size_t j = 0; j < std::size(rising); ++j) {
      EXPECT_EQ(*Version::parse(rising[i]) <=> *Version::parse(rising[j]), i <=> j)
          << rising[i] << " and " << rising[j];
    }
  }
}

}  // namespace
}  // namespace nimbus::release
