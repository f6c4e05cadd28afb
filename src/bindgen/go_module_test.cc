#include "bindgen/go_module.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string_view>

#include "base/test_folder.h"

namespace nimbus::bindgen {
namespace {

namespace fs = std::filesystem;

class GoModule : public testing::Test {
 protected:
  void writeGoMod(std::string_view text) const { folder_.write("go.mod", text); }
  [[nodiscard]] fs::path root() const { return folder_.path(); }

  TemporaryFolder folder_;
};

TEST_F(GoModule, NamesTheFolderBelowIt) {
  writeGoMod("// A comment.\nmodule example.com/hello // so it is\n\ngo 1.26\n");
  const auto found = findGoPackages(root() / "not" / "there");
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(found->module, "example.com/hello");
  EXPECT_EQ(found->package, "example.com/hello/not/there");
  EXPECT_EQ(findGoPackages(root())->package, "example.com/hello");
}

TEST_F(GoModule, MustNameAModule) {
  writeGoMod("go 1.26\n");
  const auto found = findGoPackages(root() / "gen");
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().message(), testing::EndsWith("go.mod names no module"));
}

TEST_F(GoModule, IsMissing) {
  const auto found = findGoPackages(root());
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), ErrorCode::kNotFound);
}

TEST(ModuleOf, ReadsTheDirectiveAlone) {
  EXPECT_EQ(moduleOf("module \"quoted/name\"\r\n"), "quoted/name");
  EXPECT_EQ(moduleOf("modules x\nmodule\ty\n"), "y");
  EXPECT_EQ(moduleOf("// module z\n"), "");
  EXPECT_EQ(moduleOf("module"), "");
}

}  // namespace
}  // namespace nimbus::bindgen
