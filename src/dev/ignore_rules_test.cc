#include "dev/ignore_rules.h"

#include <gtest/gtest.h>

#include "dev/test_support.h"

namespace nimbus::dev {
namespace {

class IgnoreRulesTest : public ::testing::Test {
 protected:
  [[nodiscard]] IgnoreRules rules(std::vector<std::string> outputs = {}) const {
    return IgnoreRules(project_.path(), std::move(outputs));
  }
  [[nodiscard]] bool ignoresFile(const std::string& path) const {
    return rules().ignores(path, false);
  }
  [[nodiscard]] bool ignoresFolder(const std::string& path) const {
    return rules().ignores(path, true);
  }
  ProjectFolder project_;
};

TEST_F(IgnoreRulesTest, VersionControlPackagesAndCachesAreNeverSources) {
  for (const char* name : {".git", "node_modules", "web/node_modules", "__pycache__", ".venv"})
    EXPECT_TRUE(ignoresFolder(name)) << name;
  EXPECT_FALSE(ignoresFolder("src"));
  EXPECT_FALSE(ignoresFile("src/lib.rs"));
}

TEST_F(IgnoreRulesTest, AResultFolderCountsOnlyBesideAFileOfItsLanguage) {
  EXPECT_FALSE(ignoresFolder("target"));
  EXPECT_FALSE(ignoresFolder("src/bin"));
  project_.write("Cargo.toml", "");
  project_.write("tools/go.mod", "");
  project_.write("web/package.json", "");
  EXPECT_TRUE(ignoresFolder("target"));
  EXPECT_FALSE(ignoresFolder("src/bin"));
  EXPECT_FALSE(ignoresFolder("src/target"));
  EXPECT_TRUE(ignoresFolder("tools/bin"));
  EXPECT_TRUE(ignoresFolder("tools/vendor"));
  EXPECT_TRUE(ignoresFolder("web/dist"));
  EXPECT_FALSE(ignoresFile("target"));
}

TEST_F(IgnoreRulesTest, AFolderMarkedAsCacheIsIgnored) {
  project_.write("made/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55");
  EXPECT_TRUE(ignoresFolder("made"));
}

TEST_F(IgnoreRulesTest, WhatEditorsLeaveForAMomentIsIgnored) {
  for (const char* name : {"main.rs~", "src/.main.rs.swp", ".#main.rs", "#main.rs#", "src/4913"})
    EXPECT_TRUE(ignoresFile(name)) << name;
}

TEST_F(IgnoreRulesTest, OfTheWashFolderOnlyTheConfigurationCounts) {
  EXPECT_FALSE(ignoresFolder(".wash"));
  EXPECT_FALSE(ignoresFile(".wash/config.yaml"));
  EXPECT_TRUE(ignoresFile(".wash/wasmcloud.lock"));
  EXPECT_TRUE(ignoresFolder(".wash/cache"));
}

TEST_F(IgnoreRulesTest, WhatTheBuildMakesIsIgnored) {
  EXPECT_TRUE(rules({"app.wasm"}).ignores("app.wasm", false));
  EXPECT_FALSE(rules({"app.wasm"}).ignores("src/app.wasm", false));
}

TEST_F(IgnoreRulesTest, ThePatternsOfGitignoreCount) {
  project_.write(".gitignore",
                 "# results\n*.o\n!keep.o\n/generated\nlogs/\ndocs/*.html\na/**/z\n\n[ab].txt\n");
  EXPECT_TRUE(ignoresFile("x.o"));
  EXPECT_TRUE(ignoresFile("deep/er/x.o"));
  EXPECT_FALSE(ignoresFile("deep/keep.o"));
  EXPECT_TRUE(ignoresFile("generated"));
  EXPECT_FALSE(ignoresFile("src/generated"));
  EXPECT_TRUE(ignoresFolder("src/logs"));
  EXPECT_FALSE(ignoresFile("src/logs"));
  EXPECT_TRUE(ignoresFile("docs/index.html"));
  EXPECT_FALSE(ignoresFile("docs/sub/index.html"));
  EXPECT_TRUE(ignoresFile("a/z"));
  EXPECT_TRUE(ignoresFile("a/b/c/z"));
  EXPECT_TRUE(ignoresFile("b.txt"));
  EXPECT_FALSE(ignoresFile("c.txt"));
}

TEST(IgnoreFileTest, WhatIsNoPatternIsLeftOut) {
  EXPECT_TRUE(parseIgnoreFile("").empty());
  EXPECT_TRUE(parseIgnoreFile("\n# x\n   \n!\n/\n//\na//b\n").empty());
  EXPECT_EQ(parseIgnoreFile("a\r\nb").size(), 2U);
}

}  // namespace
}  // namespace nimbus::dev
