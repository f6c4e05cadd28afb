#include "base/file_lock.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <future>

#include "base/test_folder.h"

namespace nimbus {
namespace {

TEST(FileLock, IsHeldByOneUntilItGoes) {
  const TemporaryFolder folder;
  const std::string path = folder.path("lock");
  {
    const auto held = tryLockFile(path);
    ASSERT_TRUE(held && *held);
    struct stat status{};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
    const auto refused = tryLockFile(path);
    ASSERT_TRUE(refused);
    EXPECT_FALSE(*refused);
  }
  EXPECT_TRUE(tryLockFile(path)->has_value());
}

TEST(FileLock, WhoWaitsGetsItNext) {
  const TemporaryFolder folder;
  const std::string path = folder.path("lock");
  auto held = lockFile(path);
  ASSERT_TRUE(held);
  auto next = std::async(std::launch::async, [&path] { return lockFile(path).has_value(); });
  EXPECT_EQ(next.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
  held->reset();
  EXPECT_TRUE(next.get());
}

TEST(FileLock, NamesTheFileThatCannotBeUsed) {
  const TemporaryFolder folder;
  const std::string missing = folder.path("none/lock");
  for (const Error& error : {lockFile(missing).error(), tryLockFile(missing).error()}) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_EQ(error.message(), "cannot open " + missing + ": No such file or directory");
  }
  folder.write("real", "");
  std::filesystem::create_symlink("real", folder.path("link"));
  EXPECT_FALSE(lockFile(folder.path("link")));
}

}  // namespace
}  // namespace nimbus
