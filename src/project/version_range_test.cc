#include "project/version_range.h"

#include <gtest/gtest.h>

#include <string>

namespace nimbus::project {
namespace {

ToolVersion version(std::string_view text) { return takeVersion(text).value_or(ToolVersion{}); }

bool npm(std::string_view range, std::string_view have) {
  const auto read = VersionRange::ofNpm(range);
  EXPECT_TRUE(read) << range;
  return read && read->contains(version(have));
}
bool python(std::string_view range, std::string_view have) {
  const auto read = VersionRange::ofPython(range);
  EXPECT_TRUE(read) << range;
  return read && read->contains(version(have));
}

TEST(VersionRange, OfNpmKnowsComparators) {
  EXPECT_TRUE(npm(">=18", "18.0.0"));
  EXPECT_FALSE(npm(">=18", "17.9.9"));
  EXPECT_TRUE(npm(">= 18.2 <21", "20.11.0"));
  EXPECT_FALSE(npm(">=18 <21", "21.0.0"));
  EXPECT_FALSE(npm(">20", "20.5.0"));
  EXPECT_TRUE(npm(">20", "21.0.0"));
  EXPECT_TRUE(npm("<=20", "20.9.1"));
  EXPECT_TRUE(npm("20.11.0", "20.11.0"));
  EXPECT_FALSE(npm("=20.11.0", "20.11.1"));
  EXPECT_TRUE(npm("v20.11.x", "20.11.7"));
}

TEST(VersionRange, OfNpmKnowsItsShortForms) {
  EXPECT_TRUE(npm("^18.2.0", "18.20.0"));
  EXPECT_FALSE(npm("^18.2.0", "19.0.0"));
  EXPECT_FALSE(npm("^0.2.3", "0.3.0"));
  EXPECT_TRUE(npm("^0.0", "0.0.9"));
  EXPECT_TRUE(npm("~1.2.3", "1.2.9"));
  EXPECT_FALSE(npm("~1.2.3", "1.3.0"));
  EXPECT_TRUE(npm("~1", "1.9.0"));
  EXPECT_TRUE(npm("18 || 20 || >=22", "24.1.0"));
  EXPECT_FALSE(npm("18 || 20 || >=22", "21.0.0"));
  EXPECT_TRUE(npm("18.1 - 20", "20.99.0"));
  EXPECT_FALSE(npm("18.1 - 20", "18.0.5"));
  for (const char* any : {"*", "", "x", ">=*"}) EXPECT_TRUE(npm(any, "1.0.0")) << any;
  EXPECT_TRUE(npm(">=20.0.0-rc.1", "20.0.0"));
}

TEST(VersionRange, OfPythonKnowsItsOperators) {
  EXPECT_TRUE(python(">=3.10,<4", "3.11.2"));
  EXPECT_FALSE(python(">=3.10, <3.13", "3.13.0"));
  EXPECT_TRUE(python("~=3.11", "3.14.0"));
  EXPECT_FALSE(python("~=3.11.4", "3.12.0"));
  EXPECT_TRUE(python("==3.12.*", "3.12.9"));
  EXPECT_FALSE(python("==3.12", "3.12.9"));
  EXPECT_FALSE(python("!=3.12.*", "3.12.9"));
  EXPECT_TRUE(python("!=3.12.*", "3.13.0"));
  EXPECT_TRUE(python("<=3.12", "3.12.0"));
  EXPECT_FALSE(python("<=3.12", "3.12.1"));
  EXPECT_TRUE(python(">3.12", "3.12.1"));
  EXPECT_TRUE(python(">=3.13rc1", "3.13.0"));
  EXPECT_TRUE(python("", "3.0.0"));
}

TEST(VersionRange, OfAtLeastTakesAllThatIsNewer) {
  EXPECT_TRUE(VersionRange::atLeast("1.85")->contains(version("1.85.0")));
  EXPECT_FALSE(VersionRange::atLeast("1.85.1")->contains(version("1.85.0")));
  EXPECT_FALSE(VersionRange::atLeast("new"));
}

TEST(VersionRange, RefusesWhatIsNone) {
  for (const char* text :
       {">=", "latest", "1.2.3.4.5", ">*", "^x.1", "1..2", "99999999999999999999"})
    EXPECT_FALSE(VersionRange::ofNpm(text)) << text;
  for (const char* text : {"3.10", ">=3.*", "~=3", "=>3", "==", "4.x"})
    EXPECT_FALSE(VersionRange::ofPython(text)) << text;
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "1||";
  EXPECT_FALSE(VersionRange::ofNpm(many));
}

}  // namespace
}  // namespace nimbus::project
