#include "wit/interface_name.h"

#include <gtest/gtest.h>

namespace nimbus::wit {
namespace {

TEST(InterfaceName, SplitsInterfacePackageAndVersion) {
  const InterfaceName name = parseInterfaceName("wasi:http/handler@0.3.0");
  EXPECT_EQ(name.interface, "wasi:http/handler");
  EXPECT_EQ(name.package, "wasi:http");
  EXPECT_EQ(name.version, "0.3.0");
}

TEST(InterfaceName, MayHaveNoVersion) {
  const InterfaceName name = parseInterfaceName("demo:pair/backend");
  EXPECT_EQ(name.interface, "demo:pair/backend");
  EXPECT_EQ(name.package, "demo:pair");
  EXPECT_EQ(name.version, "");
}

TEST(InterfaceName, PlainNamesStayWhole) {
  for (const char* plain : {"run", "", "a@1.0.0", "a/b:c@1.0.0", "unlocked-dep"}) {
    const InterfaceName name = parseInterfaceName(plain);
    EXPECT_EQ(name.interface, plain);
    EXPECT_EQ(name.package, "");
    EXPECT_EQ(name.version, "");
  }
}

struct Case {
  std::string_view version;
  std::string_view name;
  bool matches;
};

class InterfaceMatches : public testing::TestWithParam<Case> {};

TEST_P(InterfaceMatches, FollowsTheLinkersRule) {
  const auto& [version, name, matches] = GetParam();
  EXPECT_EQ(interfaceMatches("a:b/c", version, name), matches) << version << " and " << name;
}

INSTANTIATE_TEST_SUITE_P(
    Versions, InterfaceMatches,
    testing::Values(
        // a range of versions
        Case{"0.2", "a:b/c@0.2.0", true}, Case{"0.2", "a:b/c@0.2.12", true},
        Case{"0.2", "a:b/c@0.3.0", false}, Case{"0.2", "a:b/c@0.20.0", false},
        Case{"1", "a:b/c@1.4.7", true}, Case{"1", "a:b/c@2.0.0", false},
        Case{"1", "a:b/c@10.0.0", false}, Case{"1", "a:b/c@0.1.0", false},
        // a full version stands for its range
        Case{"0.2.3", "a:b/c@0.2.0", true}, Case{"0.2.3", "a:b/c@0.2.99", true},
        Case{"0.2.3", "a:b/c@0.1.3", false}, Case{"1.2.3", "a:b/c@1.0.0", true},
        // 0.0.x is compatible with nothing else
        Case{"0.0.1", "a:b/c@0.0.1", true}, Case{"0.0.1", "a:b/c@0.0.2", false},
        Case{"0.0", "a:b/c@0.0.1", false}, Case{"0", "a:b/c@0.1.0", false},
        // neither are drafts
        Case{"0.2.0-draft", "a:b/c@0.2.0-draft", true},
        Case{"0.2.0-draft", "a:b/c@0.2.0-draft2", false}, Case{"0.2.0-draft", "a:b/c@0.2.0", false},
        Case{"0.2", "a:b/c@0.2.0-draft", false}, Case{"0.3", "a:b/c@0.3.0-rc-2026-01-06", false},
        // build metadata says nothing about compatibility
        Case{"0.2", "a:b/c@0.2.1+linux-7", true},
        // without a version
        Case{"", "a:b/c", true}, Case{"", "a:b/c@1.0.0", false}, Case{"1", "a:b/c", false},
        // what is not a version or not this interface
        Case{"0.2", "a:b/c@0.2", true}, Case{"0.2", "a:b/c@0.2.x", false},
        Case{"0.2", "a:b/c@0.2.0.0", false}, Case{"0.2", "a:b/c@0.02.0", false},
        Case{"1.2", "a:b/c@1.2.0", false}, Case{"0.2", "a:b/d@0.2.0", false},
        Case{"0.2", "a:b/c@", false}));

}  // namespace
}  // namespace nimbus::wit
