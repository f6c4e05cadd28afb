#include "base/files.h"

#include <sys/stat.h>

#include <filesystem>

#include <gtest/gtest.h>

#include "base/test_folder.h"

namespace nimbus {
namespace {

namespace fs = std::filesystem;

class FilesTest : public testing::Test {
 protected:
  [[nodiscard]] std::string path(const std::string& name) const { return folder_.path(name); }
  [[nodiscard]] mode_t modeOf(const std::string& name) const {
    struct stat status{};
    EXPECT_EQ(::stat(path(name).c_str(), &status), 0);
    return status.st_mode & 07777;
  }

  TemporaryFolder folder_;
};

TEST_F(FilesTest, APathFromTheRootOnNeedsNoCurrentFolder) {
  fs::create_directory(path("gone"));
  const fs::path before = fs::current_path();
  fs::current_path(path("gone"));
  EXPECT_EQ(absolutePath("x.db"), path("gone/x.db"));
  fs::remove(path("gone"));
  const auto lost = absolutePath("x.db");
  EXPECT_EQ(absolutePath("/x.db"), "/x.db");
  fs::current_path(before);
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(lost.error().message(),
            "cannot find the current folder for x.db: No such file or directory");
}

TEST_F(FilesTest, AFileIsReadUpToItsBound) {
  folder_.write("a", "12345");
  EXPECT_EQ(readFile(path("a"), 5), "12345");
  EXPECT_EQ(readFile(path("a"), 4).error().code(), ErrorCode::kResourceExhausted);
  EXPECT_EQ(readFile(path("none"), 5).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(readFile(path("none"), 5).error().message(),
            "cannot open " + path("none") + ": No such file or directory");
}

TEST_F(FilesTest, WhatIsNoRegularFileIsNotWaitedFor) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(readFile(path("pipe"), 5).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_FALSE(readFile(folder_.path(), 5));
}

TEST_F(FilesTest, FilesWithoutALengthAreReadToTheirEnd) {
  const auto status = readFile("/proc/self/status", 1 << 20);
  ASSERT_TRUE(status) << status.error().describe();
  EXPECT_NE(status->find("Pid:"), std::string::npos);
  EXPECT_EQ(readFile("/proc/self/status", 10).error().code(), ErrorCode::kResourceExhausted);
}

TEST_F(FilesTest, AReplacedFileIsWholeAndNothingElseIsLeft) {
  folder_.write("a", "a longer old content");
  const FileStamp before = stampOf(path("a"));
  ASSERT_TRUE(replaceFile(path("a"), asBytes("new"), 0640));
  EXPECT_EQ(readFile(path("a"), 100), "new");
  EXPECT_NE(stampOf(path("a")), before);
  ASSERT_TRUE(replaceFileDurably(folder_.path(), "b", "private"));
  EXPECT_EQ(modeOf("b"), 0600U);
  ASSERT_TRUE(replaceFileDurably(folder_.path(), "b", "again"));
  EXPECT_EQ(readFile(path("b"), 100), "again");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), {}), 2);

  fs::create_directory(path("c"));
  EXPECT_FALSE(replaceFile(path("c"), asBytes("no"), 0600));
  EXPECT_FALSE(replaceFileDurably(folder_.path(), "c", "no"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), {}), 3);
}

TEST_F(FilesTest, AFolderForOneUserIsMadeSoAndOthersAreRefused) {
  ASSERT_TRUE(ensurePrivateFolder(path("made/inside")));
  EXPECT_EQ(modeOf("made/inside"), 0700U);
  fs::permissions(path("made/inside"), fs::perms(0755));
  EXPECT_EQ(ensurePrivateFolder(path("made/inside")).error().code(), ErrorCode::kPermissionDenied);
  EXPECT_TRUE(ensureOwnFolder(path("made/inside"))) << "others may look";
  fs::permissions(path("made/inside"), fs::perms(0777));
  EXPECT_EQ(ensureOwnFolder(path("made/inside")).error().code(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(checkOwnFolder(path("none")).error().code(), ErrorCode::kNotFound);
  folder_.write("file", "");
  EXPECT_EQ(ensurePrivateFolder(path("file")).error().code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace nimbus
