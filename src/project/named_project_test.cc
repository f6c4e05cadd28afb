#include "project/named_project.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "project/test_support.h"

namespace nimbus::project {
namespace {

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

TEST_F(NamedProject, IsNotNamedByTheCurrentFolder) {
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(files_.path("shop/web"));
  EXPECT_EQ(namedProject(".").folder, files_.path("shop"));
  std::filesystem::current_path(before);
}

}  // namespace
}  // namespace nimbus::project
