#include "plugin/plugin_folders.h"

#include <unistd.h>

#include <filesystem>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "base/test_folder.h"

namespace nimbus::plugin {
namespace {

namespace fs = std::filesystem;

class PluginFoldersTest : public testing::Test {
 protected:
  std::string make(const std::string& name) {
    fs::create_directory(temporary_.path(name));
    temporary_.write(name + "/file", "text");
    return temporary_.path(name);
  }
  static UniqueFd hold(const std::string& folder) {
    auto held = holdFolder(folder);
    EXPECT_TRUE(held) << held.error().describe();
    return *std::move(held);
  }
  [[nodiscard]] bool anyIsLeft() const { return anyFolderIsLeft(temporary_.path()); }
  void removeLeft() {
    const auto removed = removeLeftFolders(temporary_.path());
    EXPECT_TRUE(removed) << removed.error().describe();
  }

  TemporaryFolder temporary_;
};

TEST_F(PluginFoldersTest, OneThatNobodyHoldsIsDeletedAtOnce) {
  const std::string folder = make("a");
  {
    const UniqueFd held = hold(folder);
  }
  EXPECT_TRUE(removeFolder(folder));
  EXPECT_FALSE(fs::exists(folder));
  EXPECT_FALSE(anyIsLeft());
  EXPECT_TRUE(removeFolder(folder)) << "there is nothing to delete";
}

TEST_F(PluginFoldersTest, OneThatIsHeldStaysUntilItsLastHolderGoes) {
  const std::string folder = make("a");
  const std::string other = make("other");
  std::optional<UniqueFd> first(hold(folder));
  std::optional<UniqueFd> second(hold(folder));
  EXPECT_TRUE(removeFolder(folder));
  EXPECT_TRUE(anyIsLeft());
  for (auto* holder : {&first, &second}) {
    removeLeft();
    EXPECT_TRUE(fs::exists(folder + "/file"));
    holder->reset();
  }
  removeLeft();
  EXPECT_FALSE(fs::exists(folder));
  EXPECT_FALSE(anyIsLeft());
  EXPECT_TRUE(fs::exists(other + "/file"));
}

TEST_F(PluginFoldersTest, OneThatWasLeftGoesWhenItIsWantedForAnother) {
  const std::string folder = make("a");
  const UniqueFd held = hold(folder);
  EXPECT_TRUE(removeLeftFolder(folder));
  EXPECT_TRUE(fs::exists(folder)) << "it was not left";
  EXPECT_TRUE(removeFolder(folder));
  EXPECT_TRUE(removeLeftFolder(folder));
  EXPECT_FALSE(fs::exists(folder));
  EXPECT_FALSE(anyIsLeft());
}

TEST_F(PluginFoldersTest, WhatIsLeftOfOneThatSomebodyElseDeletedIsItsMark) {
  const std::string folder = make("a");
  const UniqueFd held = hold(folder);
  EXPECT_TRUE(removeFolder(folder));
  fs::remove_all(folder);
  removeLeft();
  EXPECT_FALSE(anyIsLeft());
}

TEST_F(PluginFoldersTest, NothingIsHeldThatIsNoFolder) {
  EXPECT_FALSE(holdFolder(temporary_.path("none")));
  temporary_.write("file", "text");
  EXPECT_FALSE(holdFolder(temporary_.path("file")));
}

TEST_F(PluginFoldersTest, OfALinkWhatItLeadsToIsHeldAndTheLinkIsDeleted) {
  const std::string folder = make("a");
  const std::string link = temporary_.path("link");
  fs::create_directory_symlink(folder, link);
  {
    const UniqueFd held = hold(link);
    EXPECT_EQ(*stampOf(held), *stampOf(hold(folder)));
    EXPECT_TRUE(removeFolder(link));
  }
  EXPECT_FALSE(fs::is_symlink(link));
  EXPECT_TRUE(fs::exists(folder + "/file"));
  EXPECT_FALSE(anyIsLeft());
}

TEST_F(PluginFoldersTest, ALinkThatLeadsNowhereIsDeletedToo) {
  const std::string link = temporary_.path("link");
  fs::create_directory_symlink(temporary_.path("none"), link);
  EXPECT_FALSE(holdFolder(link));
  EXPECT_TRUE(removeFolder(link));
  EXPECT_FALSE(fs::is_symlink(link));
}

TEST_F(PluginFoldersTest, OneThatCannotBeDeletedKeepsNoOtherFromIt) {
  if (::geteuid() == 0) GTEST_SKIP() << "nothing is closed to the superuser";
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    const UniqueFd held = hold(make(name));
    EXPECT_TRUE(removeFolder(temporary_.path(name)));
  }
  const std::string closed = temporary_.path("c");
  fs::permissions(closed, fs::perms::none);
  EXPECT_FALSE(removeLeftFolders(temporary_.path()));
  for (const char* name : {"a", "b", "d", "e"}) EXPECT_FALSE(fs::exists(temporary_.path(name)));
  EXPECT_TRUE(anyIsLeft());
  fs::permissions(closed, fs::perms::owner_all);
  removeLeft();
  EXPECT_FALSE(fs::exists(closed));
}

TEST_F(PluginFoldersTest, AnotherOneByTheSameNameHasAnotherStamp) {
  const std::string folder = make("a");
  const UniqueFd first = hold(folder);
  EXPECT_EQ(*stampOf(first), *stampOf(hold(folder)));
  fs::remove_all(folder);
  make("a");
  EXPECT_NE(*stampOf(first), *stampOf(hold(folder)));
}

}  // namespace
}  // namespace nimbus::plugin
