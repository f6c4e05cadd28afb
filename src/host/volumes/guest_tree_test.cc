#include "host/volumes/guest_tree.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <utility>

#include "base/test_folder.h"
#include "base/unique_fd.h"

namespace nimbus::host {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMiB = 1 << 20;

void write(const std::string& path, std::size_t bytes) {
  std::ofstream(path) << std::string(bytes, 'x');
}

std::uint64_t used(const std::string& folder, std::uint64_t enough = UINT64_MAX) {
  const auto use = useOf(folder, enough);
  EXPECT_TRUE(use) << use.error().describe();
  EXPECT_FALSE(use->too_deep);
  return use->bytes;
}

// `levels` folders in one another, which no path could name.
void makeDeep(const std::string& top, int levels) {
  UniqueFd here(::open(top.c_str(), O_RDONLY | O_DIRECTORY));
  for (int i = 0; i < levels; ++i) {
    ASSERT_EQ(::mkdirat(here.get(), "down", S_IRWXU), 0);
    here = UniqueFd(::openat(here.get(), "down", O_RDONLY | O_DIRECTORY));
    ASSERT_TRUE(here.valid());
  }
}

class GuestTree : public testing::Test {
 protected:
  TemporaryFolder folder_;
  std::string top_ = [this] {
    fs::create_directory(folder_.path("top"));
    return folder_.path("top");
  }();
};

TEST_F(GuestTree, CountsBlocksAndEntries) {
  EXPECT_EQ(used(top_), 0U);
  fs::create_directories(top_ + "/a/b");
  write(top_ + "/a/b/file", kMiB);
  EXPECT_GE(used(top_), kMiB + 3 * kEntryBytes);
  EXPECT_LE(used(top_), kMiB + kMiB / 8);
  for (int i = 0; i < 100; ++i) write(top_ + "/empty" + std::to_string(i), 0);
  EXPECT_GE(used(top_), kMiB + 103 * kEntryBytes);
}

TEST_F(GuestTree, AFileWithHolesCountsWhatItTakes) {
  write(top_ + "/sparse", 1);
  fs::resize_file(top_ + "/sparse", 1000 * kMiB);
  EXPECT_LT(used(top_), kMiB);
}

TEST_F(GuestTree, AFileWithTwoNamesCountsOnce) {
  write(top_ + "/one", kMiB);
  fs::create_hard_link(top_ + "/one", top_ + "/two");
  EXPECT_LT(used(top_), 2 * kMiB);
}

TEST_F(GuestTree, LinksLeadNowhere) {
  write(folder_.path("outside"), kMiB);
  fs::create_symlink(folder_.path("outside"), top_ + "/file");
  fs::create_directory_symlink(folder_.path(), top_ + "/folder");
  EXPECT_LT(used(top_), kMiB);
  EXPECT_TRUE(removeTree(top_));
  EXPECT_TRUE(fs::exists(folder_.path("outside")));
  fs::create_directory_symlink(folder_.path(), top_);
  EXPECT_FALSE(useOf(top_, 0));
  EXPECT_FALSE(removeTree(top_));
  EXPECT_TRUE(fs::exists(folder_.path("outside")));
}

TEST_F(GuestTree, MeasuringEndsWhenItIsEnough) {
  for (int i = 0; i < 1000; ++i) write(top_ + "/empty" + std::to_string(i), 0);
  EXPECT_EQ(used(top_, 9 * kEntryBytes), 10 * kEntryBytes);
}

TEST_F(GuestTree, TreesDeeperThanLookedIntoAreToldSo) {
  makeDeep(top_, kDeepestFolder);
  EXPECT_FALSE(useOf(top_, UINT64_MAX)->too_deep);
  fs::create_directory(folder_.path("deeper"));
  makeDeep(folder_.path("deeper"), kDeepestFolder + 1);
  EXPECT_TRUE(useOf(folder_.path("deeper"), UINT64_MAX)->too_deep);
}

TEST_F(GuestTree, DeepTreesAreDeletedWithFewDescriptors) {
  write(top_ + "/up-0", 1);  // the name that the first one which is moved would have
  makeDeep(top_, 5000);
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const rlimit few{100, limit.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &few);
  const auto removed = removeTree(top_);
  ::setrlimit(RLIMIT_NOFILE, &limit);
  EXPECT_TRUE(removed) << removed.error().describe();
  EXPECT_FALSE(fs::exists(top_));
}

TEST_F(GuestTree, DeletesManyFilesInManyFolders) {
  for (int i = 0; i < 20; ++i) {
    const std::string inner = top_ + "/" + std::to_string(i) + "/x";
    fs::create_directories(inner);
    for (int k = 0; k < 100; ++k) write(inner + "/" + std::to_string(k), 1);
  }
  EXPECT_TRUE(removeTree(top_));
  EXPECT_FALSE(fs::exists(top_));
  EXPECT_FALSE(removeTree(top_));
}

std::uint64_t unnamedBelow(const std::string& folder) {
  std::uint64_t bytes = 0;
  for (const UnnamedFile& file : unnamedFiles([](int) { return std::vector<std::string>(); }))
    if (file.path.starts_with(folder)) bytes += file.bytes;
  return bytes;
}

TEST_F(GuestTree, FilesWithoutANameAreFoundWhileTheyAreOpen) {
  write(top_ + "/gone", kMiB);
  write(top_ + "/here (deleted)", kMiB);
  {
    const UniqueFd gone(::open((top_ + "/gone").c_str(), O_RDONLY));
    const UniqueFd again(::open((top_ + "/gone").c_str(), O_RDONLY));
    const UniqueFd here(::open((top_ + "/here (deleted)").c_str(), O_RDONLY));
    EXPECT_EQ(unnamedBelow(top_ + "/"), 0U);
    fs::remove(top_ + "/gone");
    EXPECT_GE(unnamedBelow(top_ + "/gone (deleted)"), kMiB);
    EXPECT_LT(unnamedBelow(top_ + "/"), 2 * kMiB);
  }
  EXPECT_EQ(unnamedBelow(top_ + "/"), 0U);
}

// Below so many folders that the system does not tell where it is.
int openTooDeep(const std::string& top) {
  const std::string name(200, 'x');
  UniqueFd folder(::open(top.c_str(), O_RDONLY | O_DIRECTORY));
  for (int i = 0; i < 25; ++i) {
    EXPECT_EQ(::mkdirat(folder.get(), name.c_str(), 0700), 0);
    folder.reset(::openat(folder.get(), name.c_str(), O_RDONLY | O_DIRECTORY));
  }
  const int file = ::openat(folder.get(), "file", O_RDWR | O_CREAT, 0600);
  EXPECT_EQ(::unlinkat(folder.get(), "file", 0), 0);
  return file;
}

TEST_F(GuestTree, AFileWithoutANameThatWasTooDeepIsCountedToTheVolumesOfItsGuest) {
  static std::string volume;
  static int opened = -1;
  volume = top_;
  const UniqueFd file(openTooDeep(top_));
  opened = file.get();
  EXPECT_EQ(::ftruncate(file.get(), 0), 0);
  const std::string content(kMiB, 'x');
  EXPECT_EQ(::write(file.get(), content.data(), content.size()), static_cast<ssize_t>(kMiB));
  const auto files = unnamedFiles([](int descriptor) {
    return descriptor == opened ? std::vector<std::string>{volume, volume + "/gone"}
                                : std::vector<std::string>();
  });
  const auto found =
      std::ranges::find(files, fs::canonical(top_).string() + "/", &UnnamedFile::path);
  ASSERT_NE(found, files.end());
  EXPECT_GE(found->bytes, kMiB);
}

}  // namespace
}  // namespace nimbus::host
