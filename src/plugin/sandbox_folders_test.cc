#include "plugin/sandbox_folders.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "plugin/test_support.h"

namespace nimbus::plugin {
namespace {

class SandboxFoldersTest : public ::testing::Test {
 protected:
  // Of a plugin that declares these folders, and may read all of them.
  [[nodiscard]] std::vector<Permissions::Folder> foldersOf(
      const std::vector<std::string>& folders) {
    plugin_.info = infoNamed("otel");
    plugin_.info.abi = Abi::kNimbus010;
    std::vector<Grant> granted;
    for (const std::string& folder : folders) {
      plugin_.info.metadata.capabilities.files.push_back(
          {.folder = folder, .access = types::Access::kRead, .reason = "to read"});
      granted.push_back({Grant::Kind::kRead, folder, {}});
    }
    const Permissions permissions(PluginIdentity{"otel", "sha256:" + std::string(64, 'a')},
                                  plugin_.info, {}, {.grants = std::move(granted)}, book_,
                                  consent_);
    return sandboxFolders(plugin_, permissions).value();
  }

  TemporaryFolder folder_;
  GrantBook book_{folder_.path("plugins")};
  FakeConsent consent_;
  Plugin plugin_;
};

TEST_F(SandboxFoldersTest, LeavesOutWhatIsNotThereAndWhatIsNoFolder) {
  std::filesystem::create_directory(folder_.path("there"));
  folder_.write("file", "");
  const auto folders =
      foldersOf({folder_.path("gone"), folder_.path("there"), folder_.path("file")});
  ASSERT_EQ(folders.size(), 1);
  EXPECT_EQ(folders[0].host_path, folder_.path("there"));
  EXPECT_EQ(folders[0].guest_path, folder_.path("there"));
  EXPECT_TRUE(folders[0].read_only);
}

TEST_F(SandboxFoldersTest, MakesThePluginsOwnFolder) {
  plugin_.scratch_folder = folder_.path("own");
  const auto folders = foldersOf({});
  EXPECT_TRUE(std::filesystem::is_directory(folder_.path("own")));
  ASSERT_EQ(folders.size(), 2);
  EXPECT_EQ(folders[0].guest_path, "/plugin_data");
  EXPECT_EQ(folders[1].guest_path, "/tmp");
  for (const Permissions::Folder& folder : folders) {
    EXPECT_EQ(folder.host_path, folder_.path("own"));
    EXPECT_FALSE(folder.read_only);
  }
}

}  // namespace
}  // namespace nimbus::plugin
