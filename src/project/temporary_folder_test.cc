#include "project/temporary_folder.h"

#include <gtest/gtest.h>

#include <fstream>
#include <optional>

namespace nimbus::project {
namespace {

namespace fs = std::filesystem;

TEST(TemporaryFolder, GoesAwayWithAllThatIsInIt) {
  std::optional<TemporaryFolder> folder;
  folder.emplace(*TemporaryFolder::make("wash-test-"));
  const fs::path path = folder->path();
  EXPECT_EQ(fs::status(path).permissions(), fs::perms::owner_all);
  std::ofstream(path / "file") << "text";
  folder.reset();
  EXPECT_FALSE(fs::exists(path));
}

TEST(TemporaryFolder, StaysUnderAnotherName) {
  const auto parent = TemporaryFolder::make("wash-test-");
  ASSERT_TRUE(parent);
  const fs::path target = parent->path() / "target";
  {
    auto staging = TemporaryFolder::makeIn(parent->path(), ".target-");
    ASSERT_TRUE(staging);
    EXPECT_EQ(fs::status(staging->path()).permissions(), fs::perms(0755));
    fs::rename(staging->path(), target);
    staging->letGo();
  }
  EXPECT_TRUE(fs::is_directory(target));
}

TEST(TemporaryFolder, SaysWhereItCannotBe) {
  const auto folder = TemporaryFolder::makeIn("/dev/null", "x");
  ASSERT_FALSE(folder);
  EXPECT_NE(folder.error().message().find("/dev/null"), std::string::npos);
}

}  // namespace
}  // namespace nimbus::project
