#include "project/named_project.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "project/test_support.h"

namespace nimbus::project {
namespace {

namespace fs = std::filesystem;

class NamedProject : public testing::Test {
 protected:
  NamedProject() {
    files_.write("shop/.wash/config.yaml", "");
    files_.write("shop/web/Makefile", "");
    files_.write("shop/docs/page.md", "");
  }

  TestFolder files_;
};

TEST_F(NamedProject, IsTheFolderItselfIfItsFilesShowHowItIsBuilt) {
  for (const char* named : {"shop/web", "shop/web/", "shop/docs/../web"}) {
    const Project project = namedProject(files_.path(named));
    EXPECT_EQ(project.folder, files_.path("shop/web")) << named;
    EXPECT_EQ(project.config_file, "");
  }
}

TEST_F(NamedProject, IsTheOneAboveAFolderThatShowsNothing) {
  EXPECT_EQ(namedProject(files_.path("shop/docs")).folder, files_.path("shop"));
}

TEST_F(NamedProject, HasItsConfiguration) {
  files_.write("shop/web/.wash/config.json", "{}");
  EXPECT_EQ(namedProject(files_.path("shop/web")).config_file,
            files_.path("shop/web/.wash/config.json"));
}

// A project that is seen from a folder of it.
class CurrentProject : public NamedProject {
 protected:
  ~CurrentProject() override { fs::current_path(before_); }

  // From the test's folder.
  std::string seenFrom(const std::string& folder) {
    fs::current_path(files_.path(folder));
    const std::string project = namedProject(".").folder;
    EXPECT_EQ(namedProject(fs::current_path()).folder, project);
    return fs::path(project).lexically_relative(files_.path());
  }
  Result<Project> developedFrom(const std::string& folder) {
    fs::current_path(files_.path(folder));
    return developedProject(".", files_.write("user.yaml", ""));
  }

  const fs::path before_ = fs::current_path();
};

TEST_F(CurrentProject, IsTheNearestFolderThatShowsHowItIsBuilt) {
  files_.write("shop/web/src/main.c", "");
  files_.write("shop/tool/Cargo.toml", "");
  files_.write("shop/tool/native/Makefile", "");
  EXPECT_EQ(seenFrom("shop/web"), "shop/web");
  EXPECT_EQ(seenFrom("shop/web/src"), "shop/web");
  EXPECT_EQ(seenFrom("shop/tool"), "shop/tool");
  EXPECT_EQ(seenFrom("shop/tool/native"), "shop/tool/native");
  EXPECT_EQ(seenFrom("shop/docs"), "shop");
}

TEST_F(CurrentProject, IsTheOneWithTheConfigurationIfThatIsNearest) {
  files_.write("shop/Cargo.toml", "");
  files_.write("shop/src/lib.rs", "");
  EXPECT_EQ(seenFrom("shop/src"), "shop");
}

TEST_F(CurrentProject, IsTheOutermostOfThoseThatAreBuiltFolderByFolder) {
  files_.write("shop/web/src/deep/CMakeLists.txt", "");
  EXPECT_EQ(seenFrom("shop/web/src/deep"), "shop/web");
  files_.write("shop/CMakeLists.txt", "");
  EXPECT_EQ(seenFrom("shop/web/src/deep"), "shop");
  files_.write("shop/go.mod", "");  // it is no longer clear what builds it
  EXPECT_EQ(seenFrom("shop/web/src/deep"), "shop/web");
}

TEST_F(CurrentProject, IsTheFolderItselfWithoutAnyConfiguration) {
  files_.write("other/Cargo.toml", "");
  files_.write("other/src/lib.rs", "");
  EXPECT_EQ(seenFrom("other/src"), "other/src");
}

TEST_F(CurrentProject, IsDevelopedByTheOneAboveThatNamesIt) {
  files_.write("shop/tool/Makefile", "");
  files_.write("shop/.wash/config.yaml",
               "dev: {components: [{name: web, project: ./web}, {name: x, file: x.wasm}]}");
  EXPECT_EQ(developedFrom("shop/web")->folder, files_.path("shop"));
  EXPECT_EQ(developedFrom("shop/tool")->folder, files_.path("shop/tool"));
  EXPECT_EQ(developedFrom("shop/docs")->folder, files_.path("shop"));
  // One that says more of itself, or that is named, is developed alone.
  files_.write("shop/web/.wash/config.yaml", "");
  EXPECT_EQ(developedFrom("shop/web")->folder, files_.path("shop/web"));
  EXPECT_EQ(developedProject(files_.path("shop/tool"), {})->folder, files_.path("shop/tool"));
}

TEST_F(CurrentProject, IsNotDevelopedByAConfigurationThatCannotBeRead) {
  files_.write("shop/.wash/config.yaml", "dev: {componets: []}");
  const auto found = developedFrom("shop/web");
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().describe(), testing::HasSubstr("componets"));
}

}  // namespace
}  // namespace nimbus::project
